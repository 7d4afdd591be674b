"""Records on their way to a ledger, and where they stand on it."""

from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database.engine import insert_if_absent, upsert
from cloud.database.feed import publish_change
from cloud.database.tables import AnchorRow, LedgerJobRow
from contract.errors import NotFound
from contract.ledger import INCLUSION, Anchor, Inclusion, LedgerChannel, LedgerRecord
from contract.moments import from_epoch, from_text


class Job(NamedTuple):
    """One record and the channels it belongs on; `attempts` counts this one."""

    record: LedgerRecord
    channels: tuple[LedgerChannel, ...]
    box: str
    attempts: int


def add(session: Session, record: LedgerRecord, channels: tuple[LedgerChannel, ...], box: str) -> None:
    """Queue a record; a repeat changes nothing."""
    insert_if_absent(
        session,
        LedgerJobRow(
            record_id=record.id, box=box, channels=",".join(channels), content=record.model_dump_json()
        ),
    )


def claim_due(session: Session, at: str, limit: int, lease_s: float) -> list[Job]:
    """Take up to `limit` jobs for `lease_s` seconds, oldest record first. Commit before working on them."""
    rows = session.exec(
        select(LedgerJobRow)
        .where(
            LedgerJobRow.state == "queued", LedgerJobRow.not_before <= at, LedgerJobRow.claimed_until <= at
        )
        .order_by(col(LedgerJobRow.record_id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.attempts += 1
        row.claimed_until = from_epoch(from_text(at).timestamp() + lease_s)
        session.add(row)
    session.flush()
    return [
        Job(
            LedgerRecord.model_validate_json(row.content),
            tuple(row.channels.split(",")),  # type: ignore[arg-type]
            row.box,
            row.attempts,
        )
        for row in rows
    ]


def anchored(session: Session, job: Job, anchors: list[Anchor], inclusions: list[Inclusion]) -> None:
    """The record is on all its channels: keep where and the proofs, and tell the box."""
    for anchor, inclusion in zip(anchors, inclusions, strict=True):
        upsert(
            session,
            AnchorRow(
                record_id=job.record.id,
                channel=anchor.channel,
                anchor=anchor.model_dump_json(),
                inclusion=inclusion.model_dump_json(),
            ),
            ("record_id", "channel"),
        )
    _settle(session, job, "anchored")
    publish_change(session, scope=job.box, kind="anchor", key=job.record.id)


def retry(session: Session, job: Job, not_before: str, reason: str) -> None:
    """Try again at `not_before` (an Instant)."""
    _settle(session, job, "queued", not_before, reason)


def park(session: Session, job: Job, reason: str) -> None:
    """It will never succeed: a person has to look."""
    _settle(session, job, "parked", "", reason)


def parked(session: Session, limit: int = 100) -> list[LedgerJobRow]:
    return list(
        session.exec(
            select(LedgerJobRow)
            .where(LedgerJobRow.state == "parked")
            .order_by(col(LedgerJobRow.record_id).desc())
            .limit(limit)
        )
    )


def counts(session: Session) -> dict[str, int]:
    """State -> how many jobs."""
    rows = session.exec(select(LedgerJobRow.state, func.count()).group_by(LedgerJobRow.state))
    return dict(rows.all())


def job_state(session: Session, record_id: str) -> tuple[str, str]:
    """(queued, anchored or parked; the reason). Raises NotFound."""
    row = session.get(LedgerJobRow, record_id)
    if row is None:
        raise NotFound(f"no record {record_id} was received for the ledger")
    return row.state, row.reason


def where_anchored(session: Session, record_id: str) -> list[tuple[Anchor, Inclusion]]:
    """By channel; [] while the record is not anchored. Whoever shows it to others than the police leaves the
    police channel out."""
    rows = session.exec(
        select(AnchorRow).where(AnchorRow.record_id == record_id).order_by(col(AnchorRow.channel))
    )
    return [
        (Anchor.model_validate_json(row.anchor), INCLUSION.validate_json(row.inclusion))
        for row in rows
    ]


def _settle(session: Session, job: Job, state: str, not_before: str = "", reason: str = "") -> None:
    row = session.exec(
        select(LedgerJobRow).where(LedgerJobRow.record_id == job.record.id).with_for_update()
    ).one()
    row.state, row.not_before, row.claimed_until, row.reason = state, not_before, "", reason[:1000]
    session.add(row)
    session.flush()
