"""Takes records from the queue in the database to the ledger. May stop anywhere and be repeated."""

import logging
from datetime import timedelta

from cloud.database import ledger_jobs
from cloud.database.engine import Database
from cloud.database.ledger_jobs import Job
from contract.errors import Conflict, Rejected, Unavailable
from contract.incident import SEVERITIES, Severity
from contract.ledger import LedgerChannel
from contract.moments import from_text, to_text
from contract.ports import Ledger

log = logging.getLogger(__name__)

LEASE_S = 60.0
BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds to wait after the first, second, ... failure; the last one repeats, for ever."""


def channels_for(severity: Severity, police_from: Severity) -> tuple[LedgerChannel, ...]:
    """Every record goes on the general log; from `police_from` on also on the police log."""
    if SEVERITIES.index(severity) >= SEVERITIES.index(police_from):
        return ("general", "police")
    return ("general",)


def anchor_once(database: Database, ledger: Ledger, now: str, limit: int = 50) -> int:
    """Work off up to `limit` due records; return how many were anchored or parked.

    Appending the same record twice is appending it once (contract.ports.Ledger), so a worker that died in between
    only leaves its lease to run out.
    """
    with database.write() as session:
        jobs = ledger_jobs.claim_due(session, now, limit, LEASE_S)
    return sum(_anchor(database, ledger, job, now) for job in jobs)


def _anchor(database: Database, ledger: Ledger, job: Job, now: str) -> bool:
    try:
        anchors = [ledger.append(channel, job.record) for channel in job.channels]
        inclusions = [ledger.prove(channel, job.record.id) for channel in job.channels]
    except Unavailable as error:
        wait = BACK_OFF_S[min(job.attempts, len(BACK_OFF_S)) - 1]
        log.warning("record %s is not on the ledger yet, next try in %g s: %s", job.record.id, wait, error)
        with database.write() as session:
            ledger_jobs.retry(session, job, to_text(from_text(now) + timedelta(seconds=wait)), str(error))
        return False
    except (Conflict, Rejected) as error:
        log.error("record %s will never be on the ledger and was parked: %s", job.record.id, error)
        with database.write() as session:
            ledger_jobs.park(session, job, str(error))
        return True
    with database.write() as session:
        ledger_jobs.anchored(session, job, anchors, inclusions)
    return True
