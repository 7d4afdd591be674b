"""What the campus has released to the police, by whom and when. Nothing is released by itself unless the site says
so."""

from sqlmodel import Session, col, select

from cloud.database import trail
from cloud.database.tables.telling import ReleaseRow
from contract.moments import now

BY_RULE = "the site's rule"
"""Who releases where the configuration says `[police] release = "automatic"`."""


def release(session: Session, record_id: str, by: str) -> ReleaseRow:
    """Release the details of this one record; again after a withdrawal. Twice is harmless."""
    row = session.get(ReleaseRow, record_id, with_for_update=True)
    if row is not None and row.withdrawn_at is None:
        return row
    if row is None:
        row = ReleaseRow(record_id=record_id, released_at=now(), released_by=by)
    else:
        row.released_at, row.released_by, row.withdrawn_at, row.withdrawn_by = now(), by, None, None
    session.add(row)
    session.flush()
    trail.record(session, by, "police.released", record_id)
    return row


def withdraw(session: Session, record_id: str, by: str) -> None:
    """Take a release back; what was not released stays so."""
    row = session.get(ReleaseRow, record_id, with_for_update=True)
    if row is None or row.withdrawn_at is not None:
        return
    row.withdrawn_at, row.withdrawn_by = now(), by
    session.add(row)
    session.flush()
    trail.record(session, by, "police.withdrawn", record_id)


def find(session: Session, record_id: str) -> ReleaseRow | None:
    """The release, perhaps withdrawn since; None when there never was one."""
    return session.get(ReleaseRow, record_id)


def released(session: Session, records: tuple[str, ...]) -> set[str]:
    """Those of the records that the police may read now."""
    rows = session.exec(select(ReleaseRow.record_id).where(
        col(ReleaseRow.record_id).in_(records), col(ReleaseRow.withdrawn_at).is_(None)))
    return set(rows)
