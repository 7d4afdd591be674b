"""Tombstones, and which box has confirmed that it holds nothing of the person any more."""

from sqlmodel import Session, col, select

from cloud.database import trail
from cloud.database.engine import insert_if_absent
from cloud.database.tables.people import ErasureBoxRow, ErasureRow
from cloud.database.tables.site import BoxRow
from cloud.database.tables.telling import DeliveryRow
from cloud.database.telling import deliveries
from contract.errors import NotFound, Unavailable
from contract.moments import now
from contract.views import ErasureView


def begin(session: Session, profile_id: str, by: str) -> list[DeliveryRow]:
    """Make the tombstone and one open confirmation per box that is not revoked. Returns deliveries to
    publish."""
    session.add(ErasureRow(profile_id=profile_id, requested_at=now(), by=by))
    for box in session.exec(select(BoxRow.id).where(BoxRow.state != "revoked")).all():
        insert_if_absent(session, ErasureBoxRow(profile_id=profile_id, box=box))
    return [row for row in deliveries.forget_person(session, profile_id) if row.box is not None]


def confirm(session: Session, profile_id: str, box: str) -> None:
    """Note that the box has done it. Twice is harmless. Raises Unavailable while nobody has asked for this erasure
    here."""
    if session.get(ErasureRow, profile_id) is None:
        raise Unavailable(f"no erasure of {profile_id} is known yet")
    insert_if_absent(session, ErasureBoxRow(profile_id=profile_id, box=box))
    row = session.get_one(ErasureBoxRow, (profile_id, box))
    if row.confirmed_at is None:
        row.confirmed_at = now()
        session.add(row)
        session.flush()
        trail.record(session, box, "profile.erased-on-box", profile_id)


def view(session: Session, profile_id: str) -> ErasureView:
    """Return which boxes have confirmed. Raises NotFound when no erasure was asked for."""
    row = session.get(ErasureRow, profile_id)
    if row is None:
        raise NotFound(f"no erasure of {profile_id} was asked for")
    boxes = session.exec(
        select(ErasureBoxRow).where(ErasureBoxRow.profile_id == profile_id).order_by(col(ErasureBoxRow.box))
    )
    return ErasureView(
        profile_id=profile_id,
        requested_at=row.requested_at,
        by=row.by,
        erased_here_at=row.requested_at,
        cloud_confirmed_at=row.requested_at,
        boxes={b.box: b.confirmed_at for b in boxes},
    )


def unfinished(session: Session, limit: int = 100) -> list[str]:
    """Return ids of erased people whom some box may still hold, newest first."""
    rows = session.exec(
        select(ErasureBoxRow.profile_id)
        .where(col(ErasureBoxRow.confirmed_at).is_(None))
        .group_by(ErasureBoxRow.profile_id)
        .order_by(col(ErasureBoxRow.profile_id).desc())
        .limit(limit)
    )
    return list(rows)
