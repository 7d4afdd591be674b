"""The box's own keys. Made on the box, readable by its user only, never sent anywhere."""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from contract.errors import Rejected

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def box_key(home: Path) -> Ed25519PrivateKey:
    """Return the key that signs the box's chain, in home/keys/box.pem; made when there is none."""
    key = _load_or_make(home / "keys" / "box.pem", Ed25519PrivateKey.generate)
    if not isinstance(key, Ed25519PrivateKey):
        raise Rejected(f"{home / 'keys' / 'box.pem'} is not an Ed25519 key", hint="restore it from the backup")
    return key


def tls_key(home: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key of the box's TLS certificate, in home/keys/tls.pem; made when there is none."""
    key = _load_or_make(tls_key_path(home), lambda: ec.generate_private_key(ec.SECP256R1()))
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Rejected(f"{tls_key_path(home)} is not an EC key", hint="remove it and claim the box again")
    return key


def tls_key_path(home: Path) -> Path:
    return home / "keys" / "tls.pem"


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file in one step; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".part")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(handle, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _load_or_make(path: Path, make: Callable[[], PrivateKey]) -> object:
    if path.exists():
        try:
            return load_pem_private_key(path.read_bytes(), password=None)
        except ValueError as error:
            raise Rejected(f"{path} is not a private key: {error}", hint="restore it from the backup") from error
    key = make()
    write_durably(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key
