"""A box's whole chain as a file: JSON lines, to be checked by somebody who trusts neither box nor cloud.

The first line is a ChainFileHead, then one SignedEntry a line in the chain's order, the last line a ChainEnd signed by
the box, so that an end cut off shows. No record, no salt, no name is in it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from contract.canonical import canonical_bytes, digest
from contract.chain import GENESIS, SignedEntry, public_key_text
from contract.errors import Rejected
from contract.ids import Hash, Name
from contract.model import Model
from contract.moments import Instant

MAX_LINE = 16 * 1024
"""Bytes; an entry takes some 500."""


class ChainFileHead(Model):
    """The first line: whose chain it is, by which key, written when."""

    v: Literal[1] = 1
    kind: Literal["sentrybox-chain"] = "sentrybox-chain"
    device: Name
    box_key: Hash
    exported_at: Instant


class ChainEnd(Model):
    """The last line: the number of entries when the file was written, the hash of the last one (GENESIS for none), and
    the box's Ed25519 signature (hex) of that and the head.
    """

    entries: int = Field(ge=0, le=2**53 - 1)
    last: Hash
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")

    def check(self, head: ChainFileHead) -> None:
        """Raise Rejected unless the key in the head signed this end."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.box_key))
            key.verify(bytes.fromhex(self.signature), _end_digest(head, self.entries, self.last))
        except (InvalidSignature, ValueError) as error:
            raise Rejected(f"the last line is not signed by key {head.box_key[:16]}...") from error


def write_chain(device: str, key: Ed25519PrivateKey, entries: Iterable[SignedEntry], at: str,
                write: Callable[[bytes], object]) -> int:
    """Hand the file's lines to `write`, one after the other; return how many entries there were."""
    head = ChainFileHead(device=device, box_key=public_key_text(key), exported_at=at)
    write(_line(head))
    count, last = 0, GENESIS
    for signed in entries:
        write(_line(signed))
        count, last = count + 1, signed.entry.hash()
    write(_line(ChainEnd(entries=count, last=last, signature=key.sign(_end_digest(head, count, last)).hex())))
    return count


def read_chain(file: BinaryIO) -> Iterator[ChainFileHead | SignedEntry | ChainEnd]:
    """Yield the lines of a file, one at a time: the head, entries, the end. Whether they fit is for the caller to
    check.

    Raises Rejected at the first line that is none, and where the file stops without an end or goes on after it.
    """
    kind: type[ChainFileHead] | type[SignedEntry] | type[ChainEnd] = ChainFileHead
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if kind is ChainEnd:
            raise Rejected(f"line {number}: the file goes on after its end")
        try:
            document = json.loads(line)
            if kind is SignedEntry and "entries" in document:
                kind = ChainEnd
            item = kind(**document)
        except (ValueError, TypeError, ValidationError, RecursionError) as error:
            raise Rejected(f"line {number} is not one of a chain file: {type(error).__name__}") from error
        yield item
        kind = SignedEntry if kind is ChainFileHead else kind
    if kind is not ChainEnd:
        raise Rejected(f"the file stops after line {number}, without the end that the box signs")


def _end_digest(head: ChainFileHead, entries: int, last: str) -> bytes:
    fields = {"head": head.model_dump(mode="json"), "entries": entries, "last": last}
    return digest("sentrybox/chain-file/v1", canonical_bytes(fields))


def _line(item: Model) -> bytes:
    return canonical_bytes(item.model_dump(mode="json")) + b"\n"
