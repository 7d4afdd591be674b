"""The ledger on Hyperledger Fabric: a record is a transaction of the chaincode, or a leaf under a batch's root."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cloud.ledger.fabric_inclusion import Roots, batch_id, inclusions_of
from cloud.ledger.fabric_writes import creator_of, made_at, position_of, record_from, records_of
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.failures import GatewayError, SetupError, TransactionInvalid
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.profile import ConnectionProfile
from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Stale, Unavailable
from contract.ledger import Anchor, ChainHead, FabricInclusion, LedgerChannel, LedgerRecord
from contract.moments import to_text
from contract.policy import Policy
from contract.ports import LedgerIdentity, LedgerPage, Prepared
from contract.proof.merkle import root

SETTLE_S = 20.0
"""How long commit() waits for a block: above any batch timeout, well below the worker's lease."""
PAGE_BLOCKS = 500
"""Blocks that page() reads at the most: of a channel with nothing but batches none has a record in its own right."""
KEPT_BLOCKS = 10_000
"""Blocks whose records are kept in memory, for reading page by page."""
ABSENT = "error no such"
"""What the peers' own query chaincode (qscc) says of a block or transaction that they do not have."""

Pin = Callable[[LedgerChannel, str], str]
"""Keeps the hash of a channel's first block the first time; returns the one that is kept."""


class FabricLedger:
    """contract.ports.Ledger over the peers of a connection profile. Several threads may use it at a time."""

    def __init__(self, profile: Path, roots: Path, pin: Pin, channels: tuple[LedgerChannel, ...] = Policy().channels
                 ) -> None:
        """`roots`: the folder of the organisations' root certificates, which go into the proofs. `channels`: those that
        are written on. Nothing is connected yet. Raises Rejected for a profile that cannot be used."""
        try:
            self._profile = ConnectionProfile.read(profile)
            self._identities = {channel: self._profile.identity(channel) for channel in channels}
            self._gateway = self._profile.gateway()
        except SetupError as error:
            raise Rejected(f"ledger: {error}", hint="sentrybox fabric up makes profiles/campus.json; see docs/fabric.md"
                           ) from error
        self._chaincode = self._profile.chaincode
        self._roots, self._pin = Roots(roots), pin
        self._records: dict[tuple[str, int], tuple[LedgerRecord, ...]] = {}

    def check(self, channel: LedgerChannel) -> None:
        """See contract.ports.Ledger. A certificate that was renewed in its file is taken up here."""
        try:
            self._identities[channel] = self._profile.identity(channel)
        except SetupError as error:
            raise Unavailable(f"ledger: {error}", hint="put certificate and key back as the profile names them"
                              ) from error
        self._genesis(channel)

    def prepare(self, channel: LedgerChannel, records: Sequence[LedgerRecord]) -> Prepared:
        """See contract.ports.Ledger."""
        if len(records) == 1:
            one = records[0]
            call: tuple[str, ...] = ("Record", one.id, one.commitment, str(one.schema_version), one.severity)
        else:
            top = root([record.leaf() for record in records])
            call = ("RecordBatch", batch_id(channel, top), top.hex(), str(len(records)), str(records[0].schema_version))
        with _in_our_words(f"{call[0]} {call[1]} on {channel}"):
            endorsed = self._gateway.endorse(self._identity(channel), channel, self._chaincode, *call)
        there = json.loads(endorsed.result)["transaction"]
        # The chaincode returns what is stored: if that is of an earlier transaction, there is nothing to send.
        envelope = endorsed.envelope if there == endorsed.transaction else b""
        return Prepared(channel, tuple(records), there, envelope)

    def commit(self, prepared: Prepared) -> Anchor:
        """See contract.ports.Ledger."""
        channel, transaction = prepared.channel, prepared.transaction
        if not prepared.envelope:
            return self._there(channel, transaction)
        identity = self._identity(channel)
        with _in_our_words(f"transaction {transaction} on {channel}"):
            try:
                settled = self._gateway.settle(identity, channel, transaction, prepared.envelope, SETTLE_S)
            except TransactionInvalid as error:
                raise Stale(str(error)) from error
            except GatewayError as error:
                # Of a certificate that has ended since, no orderer takes anything more; with the new one it goes.
                if error.not_allowed and creator_of(prepared.envelope) != identity.creator:
                    return self._there(channel, transaction)
                raise
        return Anchor(channel=channel, transaction=transaction, block=settled.block, at=made_at(prepared.envelope))

    def prove(self, anchor: Anchor, records: Sequence[LedgerRecord]) -> tuple[FabricInclusion, ...]:
        """See contract.ports.Ledger."""
        block, position = self._find(anchor.channel, anchor.transaction)
        return inclusions_of(block, position, anchor.channel, records, self._roots)

    def get(self, channel: LedgerChannel, record_id: str) -> LedgerRecord:
        """See contract.ports.Ledger."""
        with _in_our_words(f"record {record_id} on {channel}"):
            stored = self._gateway.evaluate(self._identity(channel), channel, self._chaincode, "Get", record_id)
        return record_from(json.loads(stored))

    def head(self, channel: LedgerChannel) -> ChainHead:
        """See contract.ports.Ledger."""
        genesis = self._genesis(channel)
        with _in_our_words(f"the newest block of {channel}"):
            info = blocks.chain_info(self._gateway, self._identity(channel), channel)
        return ChainHead(channel=channel, height=info.height, hash=info.current_hash.hex(), genesis=genesis)

    def page(self, channel: LedgerChannel, after: int, limit: int) -> LedgerPage:
        """See contract.ports.Ledger."""
        found: list[tuple[int, LedgerRecord]] = []
        with _in_our_words(f"the blocks of {channel} after {after}"):
            height = blocks.chain_info(self._gateway, self._identity(channel), channel).height
            end = min(height, after + 1 + PAGE_BLOCKS)
            for number in range(after + 1, end):
                records = self._records_of(channel, number)
                if found and len(found) + len(records) > limit:
                    return LedgerPage(found, number - 1)
                found += [(number, record) for record in records]
        return LedgerPage(found, end - 1 if end < height else None)

    def identities(self) -> tuple[LedgerIdentity, ...]:
        """See contract.ports.Ledger."""
        return tuple(LedgerIdentity(f"{identity.mspid} on {channel}", to_text(identity.not_after))
                     for channel, identity in self._identities.items())

    def close(self) -> None:
        """End the connections."""
        self._gateway.close()

    def _identity(self, channel: LedgerChannel) -> Identity:
        return self._identities[channel]

    def _genesis(self, channel: LedgerChannel) -> str:
        with _in_our_words(f"the first block of {channel}"):
            seen = blocks.genesis_hash(self._gateway, self._identity(channel), channel)
        pinned = self._pin(channel, seen)
        if seen != pinned:
            raise Unavailable(
                f"refused: channel {channel} is another ledger than the one that this cloud wrote on. Its first block "
                f"is {seen[:16]}..., ours was {pinned[:16]}...; nothing is written, the records wait",
                hint="bring the old network back, or, if it was replaced on purpose, see docs/fabric.md, A ledger that "
                     "was replaced",
            )
        return seen

    def _there(self, channel: LedgerChannel, transaction: str) -> Anchor:
        try:
            block, position = self._find(channel, transaction)
        except NotFound as error:
            raise Stale(str(error)) from error
        return Anchor(channel=channel, transaction=transaction, block=block.header.number,
                      at=made_at(block.envelopes[position]))

    def _find(self, channel: LedgerChannel, transaction: str) -> tuple[blocks.Block, int]:
        with _in_our_words(f"transaction {transaction} on {channel}"):
            block = blocks.block_with(self._gateway, self._identity(channel), channel, transaction)
        position = position_of(block, transaction)
        if position is None:
            raise NotFound(f"transaction {transaction} on {channel} is in block {block.header.number}, without effect")
        return block, position

    def _records_of(self, channel: LedgerChannel, number: int) -> tuple[LedgerRecord, ...]:
        if (channel, number) not in self._records:
            block = blocks.block(self._gateway, self._identity(channel), channel, number)
            if len(self._records) >= KEPT_BLOCKS:
                self._records.clear()
            self._records[channel, number] = tuple(records_of(block, self._chaincode))
        return self._records[channel, number]


@contextmanager
def _in_our_words(what: str) -> Iterator[None]:
    """Raise the gateway's errors as the contract's. Whatever may be mended or pass is Unavailable: the records wait."""
    try:
        yield
    except SentryboxError:
        raise
    except GatewayError as error:
        if error.chaincode_code == "CONFLICT":
            raise Conflict(f"{what}: {error}") from error
        if error.chaincode_code == "NOTFOUND" or ABSENT in error.message:
            raise NotFound(f"{what}: {error}") from error
        if error.chaincode_code == "BADARGS":
            raise Rejected(f"{what}: {error}") from error
        if error.not_allowed or error.chaincode_code == "FORBIDDEN":
            raise Unavailable(f"{what} is not allowed to us: {error}",
                              hint="the profile's certificate must be valid and of the organisation that records there"
                              ) from error
        raise Unavailable(f"{what}: {error}", hint="`sentrybox fabric status` and `sentrybox doctor` say more"
                          ) from error
