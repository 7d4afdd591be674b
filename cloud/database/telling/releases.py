"""Releases: what the campus has released to which police organisation, by whom and when. Nothing is released by itself
unless the site's policy says so.
"""

from sqlmodel import Session, col, select

from cloud.database import trail
from cloud.database.tables.telling import ReleaseRow
from contract.moments import now
from contract.policy import Organisation

BY_RULE = "the site's rule"
"""Who releases where the site's policy waits for nobody's word."""


def release(session: Session, record_id: str, organisation: Organisation, by: str) -> ReleaseRow:
    """Release the details of this one record; again after a withdrawal. Twice is harmless."""
    row = session.get(ReleaseRow, (record_id, organisation), with_for_update=True)
    if row is not None and row.withdrawn_at is None:
        return row
    if row is None:
        row = ReleaseRow(record_id=record_id, organisation=organisation, released_at=now(), released_by=by)
    else:
        row.released_at, row.released_by, row.withdrawn_at, row.withdrawn_by = now(), by, None, None
    session.add(row)
    session.flush()
    trail.record(session, by, "police.released", record_id, organisation=organisation)
    return row


def withdraw(session: Session, record_id: str, organisation: Organisation, by: str) -> None:
    """Take a release back; what was not released stays so."""
    row = session.get(ReleaseRow, (record_id, organisation), with_for_update=True)
    if row is None or row.withdrawn_at is not None:
        return
    row.withdrawn_at, row.withdrawn_by = now(), by
    session.add(row)
    session.flush()
    trail.record(session, by, "police.withdrawn", record_id, organisation=organisation)


def find(session: Session, record_id: str, organisation: Organisation) -> ReleaseRow | None:
    """Return the release, perhaps withdrawn since; None when there never was one."""
    return session.get(ReleaseRow, (record_id, organisation))


def of_record(session: Session, record_id: str) -> dict[Organisation, ReleaseRow]:
    """Organisation -> its release of this record, perhaps withdrawn since."""
    rows = session.exec(select(ReleaseRow).where(ReleaseRow.record_id == record_id)
                        .order_by(col(ReleaseRow.organisation)))
    return {row.organisation: row for row in rows}


def released(session: Session, records: tuple[str, ...], organisation: Organisation) -> set[str]:
    """Return those of the records whose details the organisation may read now."""
    rows = session.exec(select(ReleaseRow.record_id).where(
        col(ReleaseRow.record_id).in_(records), ReleaseRow.organisation == organisation,
        col(ReleaseRow.withdrawn_at).is_(None)))
    return set(rows)
