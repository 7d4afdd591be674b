"""Transactions on their way to the ledger: stored before they are sent, and kept until it is known what became of them.

One is dropped only together with what is known: its records are anchored, or it can certainly never take effect.
"""

from typing import NamedTuple

from sqlmodel import Session, col, select, update

from cloud.database.engine import upsert
from cloud.database.ledger.jobs import JobClaim, held, tell_boxes
from cloud.database.tables.ledger import AnchorRow, LedgerJobRow, SubmissionRow
from contract.ids import new_id
from contract.ledger import Anchor, Inclusion, LedgerChannel, LedgerRecord
from contract.moments import from_epoch, from_text
from contract.ports import Prepared


class Submission(NamedTuple):
    """A stored transaction. `attempts` counts how often it was sent, this time included; `prepared_times` how often
    its records were prepared."""

    id: str
    prepared: Prepared
    attempts: int
    prepared_times: int


def store(session: Session, claim: JobClaim, prepared: Prepared, at: str, lease_s: float) -> Submission | None:
    """Keep the transaction of a claim's jobs, with the lease to send it. None, and nothing is kept, when the claim's
    own lease ran out meanwhile: another worker has the jobs, and nothing was sent."""
    rows = {row.record_id: row for row in held(session, claim)}
    if set(rows) != {record.id for record in prepared.records}:
        return None
    row = SubmissionRow(
        id=new_id(), channel=prepared.channel, transaction_id=prepared.transaction, envelope=prepared.envelope,
        attempts=1, claimed_until=from_epoch(from_text(at).timestamp() + lease_s),
    )
    session.add(row)
    for place, record in enumerate(prepared.records):
        job = rows[record.id]
        job.state, job.submission, job.place, job.reason = "submitted", row.id, place, ""
        job.claim, job.claimed_until = "", ""
    session.flush()
    tell_boxes(session, list(rows.values()))
    return Submission(row.id, prepared, 1, max(job.attempts for job in rows.values()))


def claim_due(session: Session, channel: LedgerChannel, at: str, limit: int, lease_s: float) -> list[Submission]:
    """Take up to `limit` transactions whose worker died or which have waited long enough, for `lease_s` seconds. Commit
    before working on them."""
    rows = session.exec(
        select(SubmissionRow)
        .where(SubmissionRow.channel == channel, SubmissionRow.not_before <= at, SubmissionRow.claimed_until <= at)
        .order_by(col(SubmissionRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    found = []
    for row in rows:
        row.attempts += 1
        row.claimed_until = from_epoch(from_text(at).timestamp() + lease_s)
        jobs = _jobs(session, row.id)
        records = tuple(LedgerRecord.model_validate_json(job.content) for job in jobs)
        prepared = Prepared(channel, records, row.transaction_id, row.envelope)
        found.append(Submission(row.id, prepared, row.attempts, max((job.attempts for job in jobs), default=1)))
    session.flush()
    return found


def any_due(session: Session, channel: LedgerChannel, at: str) -> bool:
    """Return whether a claim could find something; asks without the right to write."""
    query = select(SubmissionRow.id).where(
        SubmissionRow.channel == channel, SubmissionRow.not_before <= at, SubmissionRow.claimed_until <= at
    )
    return session.exec(query.limit(1)).first() is not None


def anchored(session: Session, submission: Submission, anchor: Anchor, inclusions: tuple[Inclusion, ...]) -> None:
    """Keep where a durable transaction's records are and their proofs, and tell their boxes. A repeat changes nothing.
    """
    if not _drop(session, submission):
        return
    jobs = _jobs(session, submission.id)
    for job, inclusion in zip(jobs, inclusions, strict=True):
        if inclusion.record.id != job.record_id:
            raise ValueError(f"the proof of {inclusion.record.id} was given for {job.record_id}")
        row = AnchorRow(record_id=job.record_id, channel=anchor.channel, anchor=anchor.model_dump_json(),
                        inclusion=inclusion.model_dump_json())
        upsert(session, row, ("record_id", "channel"))
        job.state, job.submission, job.reason = "anchored", None, ""
    session.flush()
    tell_boxes(session, jobs)


def hold(session: Session, submission: Submission, not_before: str, reason: str) -> None:
    """Send it again later, for there is no answer yet: the same again at `not_before` (an Instant)."""
    row = session.get(SubmissionRow, submission.id, with_for_update=True)
    if row is None:
        return
    row.not_before, row.claimed_until = not_before, ""
    session.exec(
        update(LedgerJobRow).where(col(LedgerJobRow.submission) == submission.id).values(reason=reason[:1000])
    )
    session.flush()


def give_up(session: Session, submission: Submission, not_before: str, reason: str) -> None:
    """Give up a transaction that will certainly never take effect: its records are prepared anew at `not_before` (an
    Instant).
    """
    if not _drop(session, submission):
        return
    jobs = _jobs(session, submission.id)
    for job in jobs:
        job.state, job.submission, job.not_before, job.reason = "recorded", None, not_before, reason[:1000]
    session.flush()
    tell_boxes(session, jobs)


def _drop(session: Session, submission: Submission) -> bool:
    row = session.get(SubmissionRow, submission.id, with_for_update=True)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def _jobs(session: Session, submission_id: str) -> list[LedgerJobRow]:
    query = select(LedgerJobRow).where(LedgerJobRow.submission == submission_id)
    return list(session.exec(query.order_by(col(LedgerJobRow.place))))
