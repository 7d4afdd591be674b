"""A Fabric channel as the audit reads it: block by block from our own peers, not from what an adapter remembers."""

import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fabric_protos.peer.transaction_pb2 import VALID
from google.protobuf.message import DecodeError
from pydantic import ValidationError

from cloud.ledger.audit.books import Damage, Item, LedgerBatch, Written
from cloud.ledger.fabric_writes import BATCH, RECORD, KeyWrite, record_from, transaction_of, writes_of
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.blocks import Header
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.profile import ConnectionProfile
from contract.errors import NotFound, Rejected, Unavailable
from contract.ledger import FabricInclusion, InclusionProof, LedgerChannel

KEPT = 256
"""Blocks whose header and marks are kept in memory: neighbouring records are in neighbouring blocks."""


class _Seen(NamedTuple):
    header: Header
    codes: bytes


class FabricBooks:
    """Of a Fabric network. Close it when the audit has ended."""

    def __init__(self, profile: ConnectionProfile) -> None:
        self._profile = profile
        self._gateway = profile.gateway()
        self._heights: dict[str, int] = {}
        self._seen: dict[tuple[str, int], _Seen] = {}
        # By transaction: 32 bytes a batch, however many records it has.
        self._proven: Counter[bytes] = Counter()

    def confirm(self, inclusion: InclusionProof | FabricInclusion) -> None:
        """See books.Books: the proof's block is the channel's, and its transaction is marked VALID there, which the
        proof cannot show by itself."""
        if not isinstance(inclusion, FabricInclusion):
            raise Rejected("it is not of a Fabric network")
        number = inclusion.block.number
        if number >= self._height(inclusion.channel, number):
            raise NotFound(f"the channel has no block {number} yet")
        seen = self._block(inclusion.channel, number)
        ours = (seen.header.previous_hash.hex(), seen.header.data_hash.hex())
        if ours != (inclusion.block.previous_hash, inclusion.block.data_hash):
            raise NotFound(f"block {number} of the channel is another than the proof's")
        if inclusion.position >= len(seen.codes) or seen.codes[inclusion.position] != VALID:
            raise NotFound(f"the transaction in block {number} is not marked VALID")
        if inclusion.batch is not None:
            transaction = transaction_of(base64.b64decode(inclusion.envelopes[inclusion.position]))
            self._proven[bytes.fromhex(transaction)] += 1

    def items(self, channel: LedgerChannel) -> Iterator[list[Item]]:
        """See books.Books, a block at a time; also whether each names the one before."""
        previous = b""
        with _asking():
            height = blocks.chain_info(self._gateway, self._profile.identity(channel), channel).height
        for number in range(height):
            try:
                with _asking():
                    block = blocks.block(self._gateway, self._profile.identity(channel), channel, number)
            except ValueError as error:
                yield [Damage(str(error))]
                previous = b""
                continue
            damage = [] if number == 0 or block.header.previous_hash == previous or not previous else \
                [Damage(f"block {number} does not name the block before it")]
            yield [*damage, *self._items(number, block)]
            previous = blocks.header_hash(block.header)

    def close(self) -> None:
        """End the connections."""
        self._gateway.close()

    def _items(self, number: int, block: blocks.Block) -> Iterator[Item]:
        for envelope, code in zip(block.envelopes, block.codes, strict=False):
            if code != VALID:
                continue
            try:
                for write in writes_of(envelope, self._profile.chaincode):
                    yield from self._item(number, envelope, write)
            except (DecodeError, ValidationError, ValueError, KeyError, TypeError) as error:
                yield Damage(f"a transaction of block {number} cannot be read: {type(error).__name__}")

    def _item(self, number: int, envelope: bytes, write: KeyWrite) -> Iterator[Item]:
        if write.key.startswith(RECORD):
            yield Written(number, record_from(write.value))
        elif write.key.startswith(BATCH):
            transaction = transaction_of(envelope)
            yield LedgerBatch(number, transaction, int(write.value["leaves"]), self._proven[bytes.fromhex(transaction)])

    def _height(self, channel: str, number: int) -> int:
        if number >= self._heights.get(channel, 0):
            with _asking():
                info = blocks.chain_info(self._gateway, self._profile.identity(channel), channel)
            self._heights[channel] = info.height
        return self._heights[channel]

    def _block(self, channel: str, number: int) -> _Seen:
        if (channel, number) not in self._seen:
            if len(self._seen) >= KEPT:
                self._seen.pop(next(iter(self._seen)))
            try:
                with _asking():
                    block = blocks.block(self._gateway, self._profile.identity(channel), channel, number)
            except ValueError as error:
                raise NotFound(str(error)) from error
            self._seen[channel, number] = _Seen(block.header, block.codes)
        return self._seen[channel, number]


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except GatewayError as error:
        raise Unavailable(f"the Fabric network cannot be asked: {error}",
                          hint="`sentrybox fabric status` and `sentrybox doctor` say more") from error
