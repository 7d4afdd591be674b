"""Check an exported proof: needs no network and no access to the box or the cloud.

A proof is what GET /blockchain/log/ID/proof gives, saved byte for byte. It shows that a record was written down by a
box, that its content is unchanged, and that the ledgers named hold it. Whose keys signed is for you to know. Name what
you trust with --trust: a folder with the CA certificates of Fabric organisations as MSPID.pem (what `sentrybox fabric
up` writes to roots/) and, in keys.txt, hex Ed25519 keys of boxes and logs, one a line; or a file of such keys alone. A
box's key is on the cloud's page Boxes, a log's in GET /ledger/general/head. Then every ledger in the proof must be
vouched for, and the box's key too once you name any key. Without --trust, keys and roots are printed to be compared.

Exit status: 0 the proof holds, 1 it does not, 2 a file cannot be read.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contract.errors import Rejected
from contract.proof.document import MAX_BYTES, check_proof, parse_proof, unproven

KEY = re.compile(r"[0-9a-f]{64}")


class Unreadable(Exception):
    """An error: what --trust names is no keys and roots; the text says why."""


class Trust(NamedTuple):
    """Whom the reader believes: hex keys, and the DER of CA certificates by MSP id."""

    keys: frozenset[str]
    roots: dict[str, frozenset[bytes]]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the proof, as downloaded")
    parser.add_argument("--trust", type=Path, metavar="FOLDER|KEYS",
                        help="folder of MSPID.pem and keys.txt, or a file of keys, that you trust")


def run(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        trust = read_trust(options.trust) if options.trust else Trust(frozenset(), {})
    except OSError as error:
        print(f"cannot read {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except Unreadable as error:
        print(f"cannot use --trust: {error}", file=sys.stderr)
        return 2
    try:
        steps = check_proof(data, trusted_keys=trust.keys, trusted_roots=trust.roots)
    except Rejected as error:
        print(f"REJECTED  {error}")
        return 1
    for step in steps:
        print(f"ok  {step}")
    for limit in unproven(parse_proof(data)):
        print(f"not shown  {limit}")
    print("ACCEPTED")
    return 0


def read_trust(path: Path) -> Trust:
    """Return what is at `path`, a folder or a file of keys. Raises OSError; Unreadable when it says nothing or is
    damaged.
    """
    keys, roots = path, {}
    if path.is_dir():
        keys, roots = path / "keys.txt", {file.stem: _roots(file) for file in sorted(path.glob("*.pem"))}
    trust = Trust(_keys(keys) if keys.exists() or not path.is_dir() else frozenset(), roots)
    if not trust.keys and not trust.roots:
        raise Unreadable(f"{path} holds neither a key nor a root")
    return trust


def _keys(path: Path) -> frozenset[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not text") from error
    keys = frozenset(key for line in lines if (key := line.partition("#")[0].strip().lower()))
    if not all(KEY.fullmatch(key) for key in keys):
        raise Unreadable(f"{path} is not a list of keys: one of 64 hex digits a line, # starts a comment")
    return keys


def _roots(path: Path) -> frozenset[bytes]:
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise Unreadable(f"{path} is not a PEM certificate: {error}") from error
    return frozenset(certificate.public_bytes(Encoding.DER) for certificate in certificates)
