"""Canonical bytes: the one function whose output is hashed or signed (RFC 8785, JSON Canonicalization Scheme)."""

import hashlib
from typing import Any

import rfc8785

from contract.errors import Rejected


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises Rejected for what JSON cannot say exactly: NaN, infinities, integers beyond 2**53, lone surrogates,
    keys that are not strings.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Rejected(f"not representable as canonical JSON: {error}") from error


def digest(tag: str, *parts: bytes) -> bytes:
    """Return SHA-256 over a domain tag, a zero byte and the parts, so that no two uses of SHA-256 can be confused."""
    hasher = hashlib.sha256(tag.encode("ascii") + b"\0")
    for part in parts:
        hasher.update(part)
    return hasher.digest()


def content_hash(value: Any) -> str:
    """Return the lower-case hex SHA-256 of the canonical bytes: what receipts name and duplicates are compared by."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf of a Merkle tree (RFC 6962, 2.1): SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()
