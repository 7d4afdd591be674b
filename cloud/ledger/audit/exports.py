"""A box's own export of its chain: good in itself, and the same as what the cloud received?"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from cloud.database.engine import Database
from cloud.database.ledger import audit_rows
from cloud.database.ledger.audit_rows import Known
from cloud.database.ledger.audits import AuditFinding
from cloud.database.tables.records import EntryRow
from cloud.database.tables.site import BoxRow
from cloud.ledger.audit.findings import Runs, finding
from contract.chain import GENESIS, SignedEntry, check_signature
from contract.errors import Rejected, Unavailable
from contract.moments import from_text, to_text
from contract.proof.chain_file import ChainEnd, ChainFileHead, read_chain

CHUNK = 500
NEWEST = 2**62


class Export:
    """One file, compared with the cloud's entries of its box. `checked` counts its entries; `on_the_way` those so fresh
    when the file was written that the box may not have sent them yet."""

    def __init__(self, path: Path, patience_s: float) -> None:
        """Open the file. Raises Unavailable when the file cannot be read, Rejected when it does not begin like a chain.
        """
        self._path, self._patience_s = path, patience_s
        self.head = self._begin()
        self._runs = Runs(self.head.device)
        self._sequence, self._previous = 0, GENESIS
        self.checked = self.on_the_way = 0

    def faults(self, database: Database, box: BoxRow | None) -> Iterator[AuditFinding]:
        """Yield what is wrong with it. `box` is what the cloud knows of the box by this name."""
        if box is None:
            yield finding("export-foreign", str(self._path), f"the cloud knows no box {self.head.device}")
            return
        if box.public_key != self.head.box_key:
            yield finding("export-foreign", str(self._path), f"it is of key {self.head.box_key[:16]}..., the cloud "
                          f"registered box {box.id} with {box.public_key[:16]}...")
            return
        end = None
        try:
            for chunk in self._chunks():
                entries = [item for item in chunk if isinstance(item, SignedEntry)]
                for signed in entries:
                    yield from self._own_faults(signed)
                yield from self._compare(database, entries)
                end = chunk[-1]
        except Rejected as error:
            yield from self._runs.rest()
            yield finding("export-damaged", str(self._path), error.detail)
            return
        if isinstance(end, ChainEnd):
            yield from self._ended(database, end)
        yield from self._runs.rest()

    def _begin(self) -> ChainFileHead:
        first = next(self._items())
        assert isinstance(first, ChainFileHead)
        return first

    def _items(self) -> Iterator[ChainFileHead | SignedEntry | ChainEnd]:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self._path.open("rb"))
            except OSError as error:
                raise Unavailable(f"{self._path} cannot be read: {error.strerror}") from error
            yield from read_chain(file)

    def _chunks(self) -> Iterator[list[ChainFileHead | SignedEntry | ChainEnd]]:
        chunk: list[ChainFileHead | SignedEntry | ChainEnd] = []
        try:
            for item in self._items():
                chunk.append(item)
                if len(chunk) == CHUNK:
                    yield chunk
                    chunk = []
        except Rejected:
            # What comes before the damage is compared all the same.
            if chunk:
                yield chunk
            raise
        if chunk:
            yield chunk

    def _own_faults(self, signed: SignedEntry) -> Iterator[AuditFinding]:
        entry = signed.entry
        where = f"{self._path}, entry {entry.sequence}"
        self.checked += 1
        if entry.device != self.head.device:
            yield finding("export-broken", where, f"it is of box {entry.device}")
        if entry.sequence != self._sequence + 1:
            yield finding("export-broken", where, f"it comes after entry {self._sequence}: some are missing or out of "
                                                  "order")
        elif entry.previous != self._previous:
            yield finding("export-broken", where, "it does not follow the one before it")
        try:
            check_signature(signed, self.head.box_key)
        except Rejected:
            yield finding("export-broken", where, f"it is not signed by the box's key {self.head.box_key[:16]}...")
        if entry.sequence > self._sequence:
            self._sequence, self._previous = entry.sequence, entry.hash()

    def _compare(self, database: Database, entries: list[SignedEntry]) -> Iterator[AuditFinding]:
        if not entries:
            return
        numbers = [signed.entry.sequence for signed in entries]
        with database.read() as session:
            rows = audit_rows.known(session, self.head.device, min(numbers), max(numbers), 2 * CHUNK)
            known = {row.sequence: row for row in rows}
            lacking = [signed for signed in entries if signed.entry.sequence not in known]
            elsewhere = audit_rows.entries_of(session, [signed.entry.record_id for signed in lacking])
        for signed in lacking:
            yield from self._lacking(signed, elsewhere)
        for signed in entries:
            here = known.get(signed.entry.sequence)
            if here is not None and here.hash != signed.entry.hash():
                yield finding("export-other", f"box {self.head.device}, entry {signed.entry.sequence}",
                              f"the box's export has {signed.entry.hash()[:16]}..., the cloud {here.hash[:16]}...")
        for number in sorted(set(known) - set(numbers)):
            yield from self._shorter(known[number])

    def _lacking(self, signed: SignedEntry, elsewhere: dict[str, EntryRow]) -> Iterator[AuditFinding]:
        entry = signed.entry
        other = elsewhere.get(entry.record_id)
        if other is not None:
            yield finding("twice", f"box {entry.device}, entry {entry.sequence}",
                          f"the cloud has its record {entry.record_id} as entry {other.sequence} of box {other.box}")
        elif entry.at > self._before_export():
            self.on_the_way += 1
        else:
            yield from self._runs.add("export-longer", entry.sequence, entry.sequence,
                                      f"the box has it ({self._path.name}), the cloud never received it", entry.at)

    def _before_export(self) -> str:
        return to_text(from_text(self.head.exported_at) - timedelta(seconds=self._patience_s))

    def _ended(self, database: Database, end: ChainEnd) -> Iterator[AuditFinding]:
        try:
            end.check(self.head)
            if (end.entries, end.last) != (self.checked, self._previous):
                raise Rejected(f"the box signed {end.entries} entries, the file holds {self.checked}, or others")
        except Rejected as error:
            yield finding("export-broken", f"{self._path}, last line", error.detail)
        after = self._sequence
        while True:
            with database.read() as session:
                rows = audit_rows.known(session, self.head.device, after + 1, NEWEST, CHUNK)
            for row in rows:
                yield from self._shorter(row)
            if len(rows) < CHUNK:
                return
            after = rows[-1].sequence

    def _shorter(self, row: Known) -> Iterator[AuditFinding]:
        try:
            at = SignedEntry.model_validate_json(row.content).entry.at
        except ValidationError:
            at = ""
        # Both times are the box's own: what it wrote after the export cannot be in it.
        if at <= self.head.exported_at:
            yield from self._runs.add("export-shorter", row.sequence, row.sequence,
                                      f"the cloud has it, {self._path.name} does not", at)
