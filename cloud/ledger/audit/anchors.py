"""From an entry to the ledger: is it queued, is it there, does the kept proof hold, does the ledger say the same?"""

from collections.abc import Iterator

from pydantic import ValidationError

from cloud.database.ledger.audit_rows import Chained
from cloud.database.ledger.audits import AuditFinding
from cloud.database.tables.ledger import AnchorRow
from cloud.ledger.audit.books import Books
from cloud.ledger.audit.chains import record_of
from cloud.ledger.audit.findings import Runs, finding
from contract.chain import SignedEntry
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.ledger import INCLUSION, Anchor, FabricInclusion, InclusionProof, LedgerRecord
from contract.policy import severity_of
from contract.proof.document import check_inclusion
from contract.proof.fabric import check_fabric


class Anchors:
    """Looks at the entries of one box. `on_the_way` counts records that are too fresh to be missed on the ledger,
    `checked` the proofs that were looked at; `unavailable` says why the ledger was not asked any more."""

    def __init__(self, books: Books | None, runs: Runs, fresh: str) -> None:
        """`books` are None when the ledger cannot be asked; records received after `fresh` (an Instant) are fresh."""
        self._books, self._runs, self._fresh = books, runs, fresh
        self.on_the_way = self.checked = 0
        self.unavailable = ""

    def faults(self, row: Chained, signed: SignedEntry) -> Iterator[AuditFinding]:
        """Yield what is wrong between this entry and the ledger."""
        where = f"{row.entry.record_type} {row.entry.record_id} (box {row.entry.box}, entry {row.entry.sequence})"
        if not row.jobs:
            yield finding("job", where, "it was never queued for the ledger")
        for channel in sorted({*row.jobs, *row.anchors}):
            yield from self._channel(f"{where}, channel {channel}", row, signed, channel)

    def _channel(self, where: str, row: Chained, signed: SignedEntry, channel: str) -> Iterator[AuditFinding]:
        job, kept = row.jobs.get(channel), row.anchors.get(channel)
        if job is None:
            yield finding("anchor", where, "a place on the ledger is kept, where it was never meant to go")
            return
        try:
            wanted = LedgerRecord.model_validate_json(job.content)
        except ValidationError:
            yield finding("job", where, "what was queued for the ledger cannot be read")
            return
        if not _is_of(wanted, row, signed):
            yield finding("job", where, "what was queued for the ledger is not this entry's hash and severity")
        elif job.state == "anchored":
            if kept is None:
                yield finding("anchor", where, "it counts as anchored, and no place on the ledger is kept")
                return
            yield from self._proof(where, kept, wanted)
            self.checked += 1
        elif job.state == "parked":
            text = f"parked for channel {channel}: {job.reason or 'no reason was kept'}"
            yield from self._run("parked", row, text, "")
        elif row.entry.received_at > self._fresh:
            self.on_the_way += 1
        else:
            text = f"received, {job.state}, and not on channel {channel} yet"
            yield from self._run("waiting", row, text, job.reason)

    def _run(self, kind: str, row: Chained, text: str, detail: str) -> Iterator[AuditFinding]:
        number = row.entry.sequence
        return self._runs.add(kind, number, number, text, row.entry.received_at, detail)

    def _proof(self, where: str, kept: AnchorRow, wanted: LedgerRecord) -> Iterator[AuditFinding]:
        try:
            anchor, inclusion = Anchor.model_validate_json(kept.anchor), INCLUSION.validate_json(kept.inclusion)
        except ValidationError:
            yield finding("anchor", where, "the kept place or proof cannot be read")
            return
        if (anchor.channel, inclusion.channel) != (kept.channel, kept.channel):
            yield finding("anchor", where, "the kept place or proof is of another channel")
        elif not _is_at(anchor, inclusion):
            yield finding("anchor", where, f"the kept place says block {anchor.block}, the kept proof another")
        elif inclusion.record != wanted:
            yield finding("proof", where, "the kept proof is about another record")
        else:
            yield from self._held(where, inclusion)

    def _held(self, where: str, inclusion: InclusionProof | FabricInclusion) -> Iterator[AuditFinding]:
        try:
            _check(inclusion)
            if self._books is not None:
                self._books.confirm(inclusion)
        except Rejected as error:
            yield finding("proof", where, f"the kept proof does not hold: {error.detail}")
        except NotFound as error:
            yield finding("ledger-missing", where, f"the database says that it is there, and {error.detail}")
        except Conflict as error:
            yield finding("ledger-other", where, f"the ledger has something else: {error.detail}")
        except ValidationError:
            yield finding("ledger-damaged", where, "the ledger's entry cannot be read")
        except Unavailable as error:
            self._books, self.unavailable = None, str(error)


def _check(inclusion: InclusionProof | FabricInclusion) -> None:
    """What the proof says by itself. Raises Rejected."""
    if isinstance(inclusion, FabricInclusion):
        check_fabric(inclusion)
    else:
        check_inclusion(inclusion)


def _is_at(anchor: Anchor, inclusion: InclusionProof | FabricInclusion) -> bool:
    if isinstance(inclusion, FabricInclusion):
        return anchor.block == inclusion.block.number
    # There the place is that of the first leaf of a batch.
    return anchor.block <= inclusion.index


def _is_of(wanted: LedgerRecord, row: Chained, signed: SignedEntry) -> bool:
    record = record_of(row)
    # An erased record's class nobody knows any more.
    severity = wanted.severity if record is None else severity_of(record)
    return (wanted.id, wanted.commitment, wanted.severity) == (row.entry.record_id, signed.entry.hash(), severity)
