"""The sorts of finding, each with what to do about it; and runs of like findings put into one."""

from collections.abc import Iterator
from typing import NamedTuple

from cloud.database.ledger.audits import AuditFinding

ADVICE = {
    "gap": "Look whether the box is connected and what it has parked; then compare with its own export (--chain)",
    "refused": "Read the message under Audit; what the box sent has not become part of the record",
    "link": "The chain was changed here or forked: compare with the box's own export (--chain)",
    "signature": "Somebody else than this box wrote or changed it: compare with the box's own export (--chain)",
    "entry": "The cloud's database was changed: restore it from a backup and compare with the box's export (--chain)",
    "box": "Only a registered box may have a chain: find out who wrote this into the database",
    "record-missing": "Restore the record from a backup; its entry proves that it was there",
    "record-changed": "Restore the record from a backup; its entry proves that this is not what the box wrote",
    "twice": "One of the two was written past the box: restore the database from a backup",
    "stray": "It was written past the box: find out by whom, and restore the database from a backup",
    "job": "Restore the cloud's database from a backup; until then nothing brings this record to the ledger",
    "waiting": "Look at the ledger: is it running and reachable? The records go there by themselves when it is",
    "parked": "It will never go by itself: read the reason, then mend what it names",
    "anchor": "Restore the cloud's database from a backup: what it says of the ledger was changed",
    "proof": "This proof convinces nobody: restore the database from a backup, and look who changed it",
    "ledger-missing": "The ledger was cut back or is another one: compare it with a copy of the other organisation",
    "ledger-other": "Ledger and database contradict each other; the box's export (--chain) tells which is right",
    "unexplained": "Somebody wrote past the boxes, or the cloud's database was restored from an old backup",
    "ledger-damaged": "Stop the cloud, keep a copy of the damaged ledger, and restore it from a backup",
    "export-damaged": "Export again on the box; if that says the same, the box's memory is damaged",
    "export-foreign": "Name each box's own newest export once; a wrong key means another box, or a forged file",
    "export-broken": "Export again on the box; if that says the same, the box's memory was changed",
    "export-longer": "Look whether the box is connected and what it has parked; the cloud lacks these entries",
    "export-shorter": "The box lost entries that the cloud has: was it restored from an old copy?",
    "export-other": "Box or cloud changed the entry afterwards; whose signature and ledger entry hold is right",
}

MOST_OPEN = 100
"""Runs that are kept open at a time."""


def finding(kind: str, where: str, text: str, key: str = "") -> AuditFinding:
    """Return a finding with the advice of its kind; `key` is kind and place unless it is given."""
    return AuditFinding(kind=kind, where=where, text=text, advice=ADVICE[kind], key=key or f"{kind} {where}")


class _Run(NamedTuple):
    first: int
    last: int
    detail: str
    since: str


class Runs:
    """Puts findings of one kind and text about neighbouring entries of a box into one, so that an outage of a day is
    one line and not ten thousand."""

    def __init__(self, box: str) -> None:
        self._box = box
        self._open: dict[tuple[str, str], _Run] = {}

    def add(self, kind: str, first: int, last: int, text: str, since: str, detail: str = "") -> Iterator[AuditFinding]:
        """Take a finding of the entries first..last; yields the run that ended before them, if one did. `detail` is
        told of the first only.
        """
        run = self._open.get((kind, text))
        if run is not None and run.last + 1 >= first:
            self._open[kind, text] = run._replace(last=max(last, run.last), since=min(run.since, since))
            return
        if run is not None:
            yield self._told(kind, text, run)
        if len(self._open) >= MOST_OPEN:
            yield from self.rest()
        self._open[kind, text] = _Run(first, last, detail, since)

    def rest(self) -> Iterator[AuditFinding]:
        """Yield the runs that are still open."""
        yield from (self._told(kind, text, run) for (kind, text), run in self._open.items())
        self._open = {}

    def _told(self, kind: str, text: str, run: _Run) -> AuditFinding:
        which = f"entry {run.first}" if run.first == run.last else f"entries {run.first} to {run.last}"
        said = f"{text}, since {run.since}" + (f" ({run.detail})" if run.detail else "")
        # Without its end, which moves on while an outage lasts.
        return finding(kind, f"box {self._box}, {which}", said, f"{kind} {text} box {self._box}, entry {run.first}")
