"""One box's chain as the cloud received it, entry by entry: numbers, links, signatures, and the records behind them."""

from collections.abc import Iterator

from pydantic import ValidationError

from cloud.database.ledger.audit_rows import Chained
from cloud.database.ledger.audits import AuditFinding
from cloud.database.tables.records import EntryRow
from cloud.database.tables.site import BoxRow
from cloud.ledger.audit.findings import Runs, finding
from contract.chain import GENESIS, SignedEntry, check_signature, commitment
from contract.errors import Rejected
from contract.incident import Action, Incident, LogRecord
from contract.proof.document import RECORDS

Record = Incident | Action | LogRecord
COLUMNS: dict[str, dict[str, str]] = {
    "incident": {"box": "device", "at": "at", "kind": "kind", "severity": "severity", "camera": "camera",
                 "location": "location"},
    "action": {"incident": "incident", "at": "at", "verb": "verb"},
    "log": {"box": "device", "at": "at", "severity": "severity"},
}
"""Record type -> column -> the field of the record that it repeats, which pages and filters go by."""


def entry_of(row: EntryRow) -> SignedEntry | None:
    """Return the entry in the row, None when it cannot be read."""
    try:
        return SignedEntry.model_validate_json(row.content)
    except ValidationError:
        return None


def record_of(row: Chained) -> Record | None:
    """Return the record in the entry's own table, None when it is not there or cannot be read."""
    held = row.records.get(row.entry.record_type)
    try:
        return RECORDS[row.entry.record_type].model_validate_json(held.content) if held is not None else None
    except ValidationError:
        return None


class LinkCheck:
    """Goes along one box's entries in order. `on_the_way` counts numbers that are missing, but so freshly that the box
    may still be sending them: what is urgent overtakes."""

    def __init__(self, box: BoxRow | None, runs: Runs, fresh: str) -> None:
        """`box` is None when nobody registered it; entries received after `fresh` (an Instant) are fresh."""
        self._box, self._runs, self._fresh = box, runs, fresh
        self._sequence, self._previous = 0, GENESIS
        self.on_the_way = 0

    def faults(self, row: EntryRow, signed: SignedEntry | None) -> Iterator[AuditFinding]:
        """Yield what is wrong with this entry and its link to the one before."""
        where = f"box {row.box}, entry {row.sequence}"
        whole = row.sequence == self._sequence + 1
        if not whole:
            yield from self._gap(row)
        if signed is None:
            yield finding("entry", where, "the stored entry cannot be read")
            self._sequence, self._previous = row.sequence, row.hash
            return
        entry = signed.entry
        columns = {"box": entry.device, "sequence": entry.sequence, "record_type": entry.record_type,
                   "record_id": entry.record_id, "hash": entry.hash()}
        other = [name for name, value in columns.items() if getattr(row, name) != value]
        if other:
            yield finding("entry", where, f"its columns {', '.join(other)} are not what the signed entry says")
        if whole and entry.previous != self._previous:
            yield finding("link", where, f"it names {entry.previous[:16]}... as the one before, whose hash is "
                                         f"{self._previous[:16]}...")
        if self._box is not None:
            try:
                check_signature(signed, self._box.public_key)
            except Rejected:
                yield finding("signature", where, f"it is not signed by the box's key {self._box.public_key[:16]}...")
        self._sequence, self._previous = row.sequence, entry.hash()

    def _gap(self, row: EntryRow) -> Iterator[AuditFinding]:
        first, last = self._sequence + 1, row.sequence - 1
        if row.received_at > self._fresh:
            self.on_the_way += last - first + 1
            return
        yield from self._runs.add("gap", first, last, "missing here; a later one arrived", row.received_at)


def record_faults(row: Chained, signed: SignedEntry) -> Iterator[AuditFinding]:
    """Yield what is wrong with the record of an entry: missing, other than committed to, or there twice."""
    kind = row.entry.record_type
    where = f"{kind} {row.entry.record_id} (box {row.entry.box}, entry {row.entry.sequence})"
    twice = sorted(set(row.records) - {kind})
    if twice:
        yield finding("twice", where, f"there is also a record of type {', '.join(twice)} with this id")
    held = row.records.get(kind)
    if held is None:
        # An erased record leaves its entry, and the salt dies with it: then nothing is missing.
        if row.entry.salt:
            yield finding("record-missing", where, "the box wrote it and the cloud does not have it any more")
        return
    record = record_of(row)
    if record is None:
        yield finding("record-changed", where, "the stored record cannot be read")
        return
    if _commitment(record, row.entry.salt) != signed.entry.commitment or record.id != row.entry.record_id:
        yield finding("record-changed", where, "record and salt are not what the box committed to")
    other = [column for column, field in COLUMNS[kind].items() if getattr(held, column) != getattr(record, field)]
    if other:
        yield finding("record-changed", where, f"its columns {', '.join(other)} are not what the record says")


def _commitment(record: Record, salt: str) -> str:
    try:
        return commitment(record, salt)
    except ValueError:
        return "the salt is not hexadecimal"
