"""Details of entries: pulled from the campus, checked against the police channel, dropped when they are withdrawn."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from cloud.database.engine import Database
from contract.errors import NotFound, Rejected, Unavailable
from contract.moments import from_text, to_text
from contract.proof.document import check_proof
from contract.proof.release import Released
from police.campus import Unreachable, Withdrawn
from police.database import details
from police.database import entries as police_entries
from police.database.tables import DetailsState, PoliceEntryRow

SOONEST_S, LATEST_S = 10.0, 3600.0
RATIO = 20
"""An entry is asked about after a twentieth of its age: a release is seen soon while it is fresh, a withdrawal within
an hour always, and old entries cost little."""
AT_ONCE = 20
PAUSE_S = 30.0
"""Seconds until a campus that cannot be reached is asked again."""
log = logging.getLogger(__name__)


class DetailsSource(Protocol):
    """campus.Campus."""

    def released(self, record: str) -> Released: ...


def pull_once(database: Database, campus: DetailsSource, now: Callable[[], datetime]) -> int:
    """Ask for what is due; return how many the campus answered about."""
    with database.read() as session:
        entries = [police_entries.get(session, row.entry)
                   for row in details.due(session, to_text(now()), AT_ONCE)]
    answered = 0
    for place, entry in enumerate(entries):
        try:
            answered += _pull(database, campus, entry, now())
        except Unreachable as error:
            log.warning("%s", error)
            again = to_text(now() + timedelta(seconds=PAUSE_S))
            with database.write() as session:
                for waiting in entries[place:]:
                    details.unanswered(session, waiting.id, str(error), again)
            break
    return answered


def next_look(seen_at: str, now: datetime) -> str:
    """Return when to ask about an entry again."""
    age = (now - from_text(seen_at)).total_seconds()
    return to_text(now + timedelta(seconds=min(max(age / RATIO, SOONEST_S), LATEST_S)))


def check(released: Released, entry: PoliceEntryRow) -> list[str]:
    """Check what the campus released against what stands on the police channel; each step in words.

    Raises Rejected at the first that fails: then the record is not the one that was anchored.
    """
    proof = released.proof
    link = proof.entry.entry
    if (proof.record.id, link.record_id) != (entry.id, entry.id):
        raise Rejected(f"the campus sent record {proof.record.id}, this is entry {entry.id}")
    steps = check_proof(proof.to_bytes())
    if link.hash() != entry.commitment:
        raise Rejected("the record that the campus sent is not the one committed to on the police channel")
    return [*steps, f"the police channel names it, block {entry.block}, transaction {entry.transaction_id}: "
                    f"commitment {entry.commitment}"]


def _pull(database: Database, campus: DetailsSource, entry: PoliceEntryRow, now: datetime) -> bool:
    again = next_look(entry.seen_at, now)
    try:
        released = campus.released(entry.id)
    except Withdrawn as error:
        return _answered(database, entry, "withdrawn", None, error.detail, again)
    except NotFound as error:
        return _answered(database, entry, "waiting", None, error.detail, again)
    except Unreachable:
        raise
    except (Unavailable, Rejected) as error:
        log.warning("entry %s: %s", entry.id, error)
        with database.write() as session:
            details.unanswered(session, entry.id, str(error), again)
        return False
    try:
        check(released, entry)
    except Rejected as error:
        log.error("entry %s: what the campus released does not match the police channel: %s", entry.id, error)
        return _answered(database, entry, "mismatch", released, error.detail, again)
    return _answered(database, entry, "verified", released, "", again)


def _answered(database: Database, entry: PoliceEntryRow, state: DetailsState, released: Released | None,
              reason: str, again: str) -> bool:
    with database.write() as session:
        details.answered(session, entry.id, state, released, reason, again)
    return True
