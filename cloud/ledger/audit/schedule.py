"""The audit by itself, every so many hours: its result is kept, security is told once of each new set of findings."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from cloud.database.engine import Database
from cloud.database.ledger import audits
from cloud.database.ledger.audits import AuditResult, Told
from cloud.database.telling import alerts
from cloud.ledger.audit.books import Books
from cloud.ledger.audit.walk import Audit, result_of
from contract.errors import Unavailable
from contract.ids import derived_id
from contract.moments import from_text, now, to_text

log = logging.getLogger(__name__)

LEASE_S = 900.0
"""How long other workers leave the audit to one that has gone silent."""
RENEW_S = 60.0
LINES = 5
"""Findings that an alert names."""


class Stopped(Exception):
    """The process ends before the audit does; the next start begins it anew."""


@dataclass(frozen=True)
class Schedule:
    """`books` opens the ledger's for one audit, raising Unavailable; `hours` between two audits (0: never),
    `patience_s` as walk.Audit, `stopping`: whether the process ends."""

    database: Database
    books: Callable[[], AbstractContextManager[Books]]
    hours: float
    patience_s: float
    stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], str] = now


def audit_due(schedule: Schedule) -> int:
    """Audit when it is time and no other worker does; 1 when it was done."""
    if not schedule.hours or not _is_due(schedule):
        return 0
    with schedule.database.write() as session:
        if not audits.claim(session, schedule.clock(), LEASE_S):
            return 0
    try:
        result = _audited(schedule)
    except Stopped:
        return 0
    finally:
        with schedule.database.write() as session:
            audits.give_back(session)
    log.log(logging.WARNING if result.count or result.unavailable else logging.INFO,
            "the ledger's audit found %d gaps or differences; not asked: %s", result.count,
            "; ".join(result.unavailable) or "nothing")
    with schedule.database.write() as session:
        audits.keep(session, result)
        _tell(session, result)
    return 1


def _audited(schedule: Schedule) -> AuditResult:
    with ExitStack() as stack:
        books: Books | Unavailable
        try:
            books = stack.enter_context(schedule.books())
        except Unavailable as error:
            books = error
        return result_of(Audit(schedule.database, books, progress=_beat(schedule), patience_s=schedule.patience_s))


def _is_due(schedule: Schedule) -> bool:
    with schedule.database.read() as session:
        last = audits.last(session)
    return last is None or \
        last.started_at <= to_text(from_text(schedule.clock()) - timedelta(hours=schedule.hours))


def _beat(schedule: Schedule) -> Callable[[str, int, int], None]:
    renewed = time.monotonic()

    def beat(_what: str, _done: int, _total: int) -> None:
        nonlocal renewed
        if schedule.stopping():
            raise Stopped
        if time.monotonic() - renewed > RENEW_S:
            renewed = time.monotonic()
            with schedule.database.write() as session:
                audits.renew(session, schedule.clock(), LEASE_S)

    return beat


def _tell(session: Session, result: AuditResult) -> None:
    known = audits.told(session)
    if not result.count:
        if not result.unavailable:
            audits.keep_told(session, None)
        return
    # While something cannot be asked the set looks smaller than it is: that is no news.
    if known is not None and (result.unavailable or known.fingerprint == result.fingerprint):
        return
    subject = derived_id("ledger-audit", result.fingerprint, result.started_at)
    lines = tuple(one.line() for one in result.findings[:LINES])
    audits.keep_told(session, Told(subject=subject, fingerprint=result.fingerprint, count=result.count,
                                          lines=lines))
    alerts.tell_of_audit(session, subject, result.count)
