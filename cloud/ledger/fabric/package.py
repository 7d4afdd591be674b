"""The chaincode package: says where the chaincode serves, and is the same bytes wherever and whenever it is made.

All organisations install the same package, so that they agree on its id (label and SHA-256). What differs between
them, address and certificates of their own chaincode process, each peer's builder fills in (files/builder).
"""

import hashlib
import io
import json
import struct
import tarfile
import zlib

LABEL = "sentrybox_1"
CONNECTION = {
    "address": "{{.address}}",
    "dial_timeout": "10s",
    "tls_required": True,
    "client_auth_required": True,
    "client_key": "{{.client_key}}",
    "client_cert": "{{.client_cert}}",
    "root_cert": "{{.root_cert}}",
}


def package(label: str = LABEL) -> bytes:
    """Return the package for `peer lifecycle chaincode install`: a tar.gz with metadata.json and code.tar.gz."""
    code = _archive({"connection.json": _json(CONNECTION)})
    return _archive({"metadata.json": _json({"type": "ccaas", "label": label}), "code.tar.gz": code})


def package_id(data: bytes, label: str = LABEL) -> str:
    """Return the id that a peer gives the package: LABEL:sha256."""
    return f"{label}:{hashlib.sha256(data).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _archive(files: dict[str, bytes]) -> bytes:
    # No times, owners or compressor of this machine: the id is a hash over all of it.
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return _gzip(packed.getvalue())


def _gzip(data: bytes) -> bytes:
    """RFC 1952 around one stored block of RFC 1951 (at most 65535 bytes): compressors of different zlib versions need
    not agree on their output, this leaves them nothing to decide."""
    header = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    block = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    return header + block + struct.pack("<II", zlib.crc32(data), len(data))
