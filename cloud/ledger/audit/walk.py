"""The whole audit: every box's chain, every row, every entry of the ledger. Memory stays bounded: all goes by pages."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from cloud.database import boxes
from cloud.database.engine import Database
from cloud.database.ledger import audit_rows
from cloud.database.ledger.audits import KEPT, AuditFinding, AuditResult
from cloud.database.tables.site import BoxRow
from cloud.ledger.audit.anchors import Anchors
from cloud.ledger.audit.books import Books, LedgerBatch, Written
from cloud.ledger.audit.chains import LinkCheck, entry_of, record_faults
from cloud.ledger.audit.exports import Export
from cloud.ledger.audit.findings import Runs, finding
from cloud.ledger.audit.logs import unexplained
from contract.errors import NotFound, Rejected, Unavailable
from contract.ledger import LedgerChannel
from contract.moments import from_text, now, to_text
from contract.policy import Policy

Progress = Callable[[str, int, int], None]
"""What is looked at, how many were, of how many (0: unknown). May raise to end the audit."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Tells nobody."""


class Audit:
    """One audit. Go through findings(), then ask what else there is to know."""

    def __init__(self, database: Database, books: Books | Unavailable, exports: Iterable[Path] = (),
                 progress: Progress = silent, *, patience_s: float) -> None:
        """A record may take `patience_s` seconds from box to ledger before it is missed. `books` may be why the ledger
        could not be opened at all: then the rest is audited."""
        self._database, self._exports = database, tuple(exports)
        self._progress, self._patience_s = progress, patience_s
        self.started_at = now()
        self._fresh = to_text(from_text(self.started_at) - timedelta(seconds=patience_s))
        self.checked = {"boxes": 0, "entries": 0, "proofs": 0, "ledger entries": 0, "exported entries": 0}
        self.waiting = 0
        self.unavailable: list[str] = []
        self._books: Books | None = None
        if isinstance(books, Unavailable):
            self._not_asked(str(books))
        else:
            self._books = books

    def findings(self) -> Iterator[AuditFinding]:
        """Yield each finding as it is found, in an order that does not change while nothing else does."""
        with self._database.read() as session:
            fleet = {box.id: box for box in boxes.every(session)}
            named = audit_rows.boxes_with_entries(session)
            total = audit_rows.count_entries(session)
            # Also a channel that the site's policy does not name any more.
            channels = sorted({*Policy().channels, *audit_rows.channels(session)})
        yield from _same_keys(list(fleet.values()))
        for name in sorted({*fleet, *named}):
            yield from self._chain(name, fleet.get(name), total)
        for what, row_id, owner in audit_rows.strays(self._database):
            yield finding("stray", f"{what} {row_id} ({owner or 'no box'})", "no entry of a box's chain explains it")
        for row in audit_rows.refused(self._database):
            yield finding("refused", f"box {row.box}, message {row.message_id}", f"refused {row.at}: {row.reason}")
        for channel in channels:
            yield from self._ledger_entries(channel)
        yield from self._exported(fleet)

    def _chain(self, name: str, box: BoxRow | None, total: int) -> Iterator[AuditFinding]:
        self.checked["boxes"] += 1
        if box is None:
            yield finding("box", f"box {name}", "it has a chain here and is not registered")
        runs = Runs(name)
        links, anchors = LinkCheck(box, runs, self._fresh), Anchors(self._books, runs, self._fresh)
        for row in audit_rows.chain(self._database, name):
            signed = entry_of(row.entry)
            yield from links.faults(row.entry, signed)
            if signed is not None:
                yield from record_faults(row, signed)
                yield from anchors.faults(row, signed)
            self.checked["entries"] += 1
            self._progress("chain entries", self.checked["entries"], total)
        yield from runs.rest()
        self.checked["proofs"] += anchors.checked
        self.waiting += links.on_the_way + anchors.on_the_way
        if anchors.unavailable:
            self._not_asked(anchors.unavailable)

    def _ledger_entries(self, channel: LedgerChannel) -> Iterator[AuditFinding]:
        if self._books is None:
            return
        try:
            for page in self._books.items(channel):
                yield from unexplained(self._database, channel, page)
                self.checked["ledger entries"] += sum(isinstance(item, Written | LedgerBatch) for item in page)
                self._progress("ledger entries", self.checked["ledger entries"], 0)
        except Unavailable as error:
            self._not_asked(str(error))
        except (Rejected, NotFound, ValidationError) as error:
            text = "an entry cannot be read" if isinstance(error, ValidationError) else error.detail
            yield finding("ledger-damaged", f"channel {channel}", text)

    def _exported(self, fleet: dict[str, BoxRow]) -> Iterator[AuditFinding]:
        seen: dict[str, Path] = {}
        for path in self._exports:
            try:
                export = Export(path, self._patience_s)
            except Rejected as error:
                yield finding("export-damaged", str(path), error.detail)
                continue
            except Unavailable as error:
                self.unavailable.append(str(error))
                continue
            name = export.head.device
            if name in seen:
                yield finding("export-foreign", str(path), f"{seen[name]} is of box {name} too")
            seen.setdefault(name, path)
            yield from export.faults(self._database, fleet.get(name))
            self.checked["exported entries"] += export.checked
            self.waiting += export.on_the_way
            self._progress("exported entries", self.checked["exported entries"], 0)

    def _not_asked(self, why: str) -> None:
        # Once is enough, and each further question would wait for its own time-out.
        self._books = None
        self.unavailable.append(f"the ledger: {why}")


def result_of(audit: Audit) -> AuditResult:
    """Go through the whole audit and keep what is to be shown."""
    kept: list[AuditFinding] = []
    count, fingerprint = 0, hashlib.sha256()
    for one in audit.findings():
        count += 1
        fingerprint.update(one.key.encode() + b"\n")
        if len(kept) < KEPT:
            kept.append(one)
    return AuditResult(started_at=audit.started_at, finished_at=now(), checked=audit.checked, waiting=audit.waiting,
                       count=count, findings=tuple(kept), unavailable=tuple(audit.unavailable),
                       fingerprint=fingerprint.hexdigest())


def _same_keys(fleet: list[BoxRow]) -> Iterator[AuditFinding]:
    first: dict[str, str] = {}
    for box in fleet:
        other = first.setdefault(box.public_key, box.id)
        if other != box.id:
            yield finding("twice", f"boxes {other} and {box.id}", "both are registered with the same key")
