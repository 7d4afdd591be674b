"""The box's own chain: every record leaves a signed entry that names the one before it.

An entry holds a salted commitment, not the record: erasing a record and its salt leaves the chain whole and says
nothing about what was erased.
"""

import os
from collections.abc import Iterable
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field

from contract.canonical import canonical_bytes, digest
from contract.errors import Rejected
from contract.ids import Hash, Id, Name
from contract.model import Model
from contract.moments import Instant

GENESIS = "0" * 64
RecordType = Literal["incident", "action", "log"]


class Entry(Model):
    """One link. `previous` is the hash of the entry before it, GENESIS for the first; `sequence` starts at 1."""

    v: Literal[1] = 1
    device: Name
    sequence: int = Field(ge=1, le=2**53 - 1)
    previous: Hash
    record_type: RecordType
    record_id: Id
    commitment: Hash
    at: Instant

    def hash(self) -> str:
        """Return what the next entry names, the box signs and the ledger keeps."""
        return digest("sentrybox/entry/v1", canonical_bytes(self.model_dump(mode="json"))).hex()


class SignedEntry(Model):
    """An entry and the Ed25519 signature (hex, 64 bytes) of its hash (32 raw bytes) by the box's key."""

    entry: Entry
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")


def new_salt() -> str:
    """Return 32 random bytes, hex. Whoever has the salt can check the commitment; without it nothing can be guessed."""
    return os.urandom(32).hex()


def commitment(record: Model, salt: str) -> str:
    """Return SHA-256(tag || salt || canonical record), hex."""
    return digest("sentrybox/record/v1", bytes.fromhex(salt), canonical_bytes(record.model_dump(mode="json"))).hex()


def public_key_text(key: Ed25519PrivateKey) -> str:
    """Return the public half, hex of 32 raw bytes."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def sign_entry(entry: Entry, key: Ed25519PrivateKey) -> SignedEntry:
    """Return the entry with the box's signature."""
    return SignedEntry(entry=entry, signature=key.sign(bytes.fromhex(entry.hash())).hex())


def check_signature(signed: SignedEntry, public_key: str) -> None:
    """Raise Rejected unless `public_key` (hex) signed this entry."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signed.signature), bytes.fromhex(signed.entry.hash()))
    except (InvalidSignature, ValueError) as error:
        raise Rejected(f"entry {signed.entry.sequence} of {signed.entry.device} is not signed by key "
                       f"{public_key[:16]}...") from error


def check_chain(entries: Iterable[SignedEntry], public_key: str, *, previous: str = GENESIS, sequence: int = 0) -> int:
    """Walk entries in order from (previous, sequence); return how many fit.

    Raises Rejected at the first that does not.
    """
    count = 0
    for signed in entries:
        entry = signed.entry
        if entry.sequence != sequence + 1:
            raise Rejected(f"entry {sequence + 1} is missing: the next one is {entry.sequence}")
        if entry.previous != previous:
            raise Rejected(f"entry {entry.sequence} does not follow the one before it")
        check_signature(signed, public_key)
        previous, sequence, count = entry.hash(), entry.sequence, count + 1
    return count
