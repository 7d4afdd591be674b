"""A ledger in memory that keeps Fabric's promises and no more, and fails where it is told to."""

import itertools
import threading
from collections.abc import Callable, Sequence

from contract.chain import public_key_text
from contract.errors import Conflict, NotFound, Stale, Unavailable
from contract.ledger import Anchor, InclusionProof, LedgerChannel, LedgerRecord, TreeHead
from contract.ports import Prepared
from contract.proof.merkle import inclusion_paths, root

AT = "2026-11-23T20:00:00.000Z"


class Killed(BaseException):
    """As kill -9: nobody catches it."""


class FaultyLedger:
    """Transactions take effect whole and once; one whose record was written meanwhile is found invalid (Stale).

    `plan` maps a point, "check", "prepare", "sending", "sent" or "prove", to what happens there next: an error to
    raise, or a function to call. "invalid" makes the next transactions that take effect be found invalid instead, for
    ever, for the reason that stands there.
    """

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.generate()
        self._mutex = threading.RLock()
        self._numbers = itertools.count(1)
        self.blocks: list[Prepared] = []
        self.prepared: list[Prepared] = []
        self.sent: list[str] = []
        self._dead: dict[str, str] = {}
        self.plan: dict[str, list[BaseException | Callable[[], object] | str]] = {}

    def next(self, point: str, *what: BaseException | Callable[[], object] | str) -> None:
        """What happens there the next times."""
        self.plan.setdefault(point, []).extend(what)

    def _reach(self, point: str) -> None:
        with self._mutex:
            waiting = self.plan.get(point)
            what = waiting.pop(0) if waiting else None
        if isinstance(what, BaseException):
            raise what
        if callable(what):
            what()

    def check(self, channel: LedgerChannel) -> None:
        self._reach("check")

    def prepare(self, channel: LedgerChannel, records: Sequence[LedgerRecord]) -> Prepared:
        with self._mutex:
            for record in records:
                there = self._single(channel, record.id)
                if there is not None and there.records[0] != record:
                    raise Conflict(f"record {record.id} is there with other content")
                if there is not None and len(records) == 1:
                    return there._replace(envelope=b"")
            prepared = Prepared(channel, tuple(records), f"tx{next(self._numbers)}", b"signed")
            self.prepared.append(prepared)
        self._reach("prepare")
        return prepared

    def commit(self, prepared: Prepared) -> Anchor:
        self._reach("sending")
        with self._mutex:
            self.sent.append(prepared.transaction)
            if self._block(prepared) is None:
                self._be_invalid(prepared)
                self.blocks.append(prepared)
            block = self._block(prepared)
        self._reach("sent")
        return Anchor(channel=prepared.channel, transaction=prepared.transaction, block=block, at=AT)

    def prove(self, anchor: Anchor, records: Sequence[LedgerRecord]) -> tuple[InclusionProof, ...]:
        self._reach("prove")
        if self.blocks[anchor.block].records != tuple(records):
            raise NotFound("that is not what this transaction wrote")
        leaves = [record.leaf() for record in records]
        head = TreeHead(channel=anchor.channel, size=len(leaves), root=root(leaves).hex(), at=AT,
                        log_key=public_key_text(self._key), signature="0" * 128)
        head = head.model_copy(update={"signature": self._key.sign(head.signed_bytes()).hex()})
        return tuple(InclusionProof(record=record, index=place, head=head,
                                    path=tuple(step.hex() for step in inclusion_paths(leaves)[place]))
                     for place, record in enumerate(records))

    def _be_invalid(self, prepared: Prepared) -> None:
        if not prepared.envelope:
            raise Stale("there is no such transaction")
        if self.plan.get("invalid"):
            self._dead[prepared.transaction] = str(self.plan["invalid"].pop(0))
        if len(prepared.records) == 1 and self._single(prepared.channel, prepared.records[0].id):
            self._dead[prepared.transaction] = "MVCC_READ_CONFLICT"
        if prepared.transaction in self._dead:
            raise Stale(self._dead[prepared.transaction])

    def times(self, channel: LedgerChannel, record: LedgerRecord) -> int:
        """How many transactions of the channel hold the record."""
        return sum(block.records.count(record) for block in self.blocks if block.channel == channel)

    def _block(self, prepared: Prepared) -> int | None:
        return next((number for number, block in enumerate(self.blocks) if block.transaction == prepared.transaction),
                    None)

    def _single(self, channel: LedgerChannel, record_id: str) -> Prepared | None:
        return next((block for block in self.blocks if block.channel == channel and len(block.records) == 1
                     and block.records[0].id == record_id), None)


def away() -> Unavailable:
    """What a ledger says that cannot be reached."""
    return Unavailable("the ledger is away")
