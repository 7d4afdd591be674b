"""Records on their way to a ledger, each to each of its channels by itself."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, select

from cloud.database.changes import publish_change
from cloud.database.engine import insert_if_absent
from cloud.database.tables.ledger import LedgerJobRow
from contract.ids import new_id
from contract.ledger import LedgerChannel, LedgerRecord
from contract.moments import from_epoch, from_text, now


class Job(NamedTuple):
    """One record for one channel; `attempts` counts this one."""

    record: LedgerRecord
    channel: LedgerChannel
    box: str
    attempts: int


class JobClaim(NamedTuple):
    """Jobs that one worker has for itself until its lease is over. `id` is what their rows say meanwhile."""

    id: str
    jobs: list[Job]


def add(session: Session, record: LedgerRecord, channels: tuple[LedgerChannel, ...], box: str, *, at_once: bool
        ) -> tuple[LedgerChannel, ...]:
    """Queue a record; `at_once` means in a transaction of its own. Returns the channels for which that was new: a
    repeat changes nothing."""
    rows = {channel: LedgerJobRow(record_id=record.id, channel=channel, box=box, content=record.model_dump_json(),
                                  urgent=at_once, queued_at=now()) for channel in channels}
    return tuple(channel for channel, row in rows.items() if insert_if_absent(session, row))


def claim_urgent(session: Session, channel: LedgerChannel, at: str, limit: int, lease_s: float) -> JobClaim:
    """Take up to `limit` due urgent jobs for `lease_s` seconds, oldest record first. Commit before working on them."""
    return _claim(session, channel, _due(session, channel, at, limit, urgent=True), at, lease_s)


def claim_batch(
    session: Session, channel: LedgerChannel, at: str, size: int, queued_until: str, lease_s: float
) -> JobClaim:
    """Take the next `size` due jobs that may share a transaction; fewer only when one of them was queued at
    `queued_until` or before. Commit before working on them."""
    rows = _due(session, channel, at, size, urgent=False)
    if len(rows) < size and not any(row.queued_at <= queued_until for row in rows):
        rows = []
    return _claim(session, channel, rows, at, lease_s)


def any_due(session: Session, channel: LedgerChannel, at: str, *, urgent: bool) -> bool:
    """Return whether a claim could find something; asks without the right to write."""
    wanted = _is_due(channel, at, urgent)
    return session.exec(select(LedgerJobRow.record_id).where(wanted).limit(1)).first() is not None


def retry(session: Session, claim: JobClaim, not_before: str, reason: str) -> None:
    """Give the jobs back, to be tried again at `not_before` (an Instant)."""
    for row in held(session, claim):
        row.not_before, row.claim, row.claimed_until, row.reason = not_before, "", "", reason[:1000]


def park(session: Session, claim: JobClaim, reason: str) -> None:
    """Put aside jobs that will never succeed: a person has to look. Their boxes are told."""
    rows = held(session, claim)
    for row in rows:
        row.state, row.claim, row.claimed_until, row.reason = "parked", "", "", reason[:1000]
    session.flush()
    tell_boxes(session, rows)


def tell_boxes(session: Session, rows: list[LedgerJobRow]) -> None:
    """Tell boxes that the records of these jobs stand elsewhere than before. Call it last: see publish_change."""
    for row in sorted(rows, key=lambda row: row.record_id):
        publish_change(session, scope=row.box, kind="anchor", key=row.record_id)


def held(session: Session, claim: JobClaim) -> list[LedgerJobRow]:
    """Return the rows of the jobs that this claim still has; all of them unless its lease ran out."""
    rows = session.exec(
        select(LedgerJobRow)
        .where(
            LedgerJobRow.claim == claim.id,
            col(LedgerJobRow.record_id).in_([job.record.id for job in claim.jobs]),
        )
        .with_for_update()
    ).all()
    return list(rows)


def _is_due(channel: LedgerChannel, at: str, urgent: bool) -> ColumnElement[bool]:
    return (
        (col(LedgerJobRow.channel) == channel)
        & (col(LedgerJobRow.state) == "recorded")
        & (col(LedgerJobRow.urgent) == (true() if urgent else ~true()))
        & (col(LedgerJobRow.not_before) <= at)
        & (col(LedgerJobRow.claimed_until) <= at)
    )


def _due(session: Session, channel: LedgerChannel, at: str, limit: int, *, urgent: bool) -> list[LedgerJobRow]:
    return list(
        session.exec(
            select(LedgerJobRow)
            .where(_is_due(channel, at, urgent))
            .order_by(col(LedgerJobRow.record_id))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def _claim(session: Session, channel: LedgerChannel, rows: list[LedgerJobRow], at: str, lease_s: float) -> JobClaim:
    claim = JobClaim(new_id(), [])
    for row in rows:
        row.attempts += 1
        row.claim, row.claimed_until = claim.id, from_epoch(from_text(at).timestamp() + lease_s)
        claim.jobs.append(_job(row, channel))
    session.flush()
    return claim


def _job(row: LedgerJobRow, channel: LedgerChannel) -> Job:
    record = LedgerRecord.model_validate_json(row.content)
    return Job(record, channel, row.box, row.attempts)
