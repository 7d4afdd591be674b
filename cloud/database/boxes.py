"""The fleet: which boxes there are, whether they may speak, and what they said of themselves last."""

from sqlalchemy import update
from sqlmodel import Session, col, select

from cloud.database import trail
from cloud.database.engine import insert_if_absent
from cloud.database.tables.site import BoxRow
from contract.errors import Conflict, NotFound
from contract.messages import Status
from contract.moments import now


def register(session: Session, box: BoxRow, by: str) -> None:
    """Add a box. Raises Conflict when the name of another box is taken."""
    if not insert_if_absent(session, box):
        raise Conflict(f"there is a box {box.id} already", hint="give the new box another name")
    trail.record(session, by, "box.registered", box.id, state=box.state)


def get(session: Session, box: str) -> BoxRow:
    """Return a box. Raises NotFound."""
    row = session.get(BoxRow, box)
    if row is None:
        raise NotFound(f"there is no box {box}")
    return row


def every(session: Session) -> list[BoxRow]:
    """Return all boxes, by id."""
    return list(session.exec(select(BoxRow).order_by(col(BoxRow.id))))


def active(session: Session, box: str) -> BoxRow | None:
    """Return the box when it may speak, None otherwise: asked for every message, for a revoked certificate's live
    connection goes on working."""
    row = session.get(BoxRow, box)
    return row if row is not None and row.state == "active" else None


def revoke(session: Session, box: str, by: str) -> str:
    """Take nothing of this box from now on. Returns its certificate's serial number, for the CRL."""
    row = get(session, box)
    if row.state != "revoked":
        row.state = "revoked"
        session.add(row)
        session.flush()
        trail.record(session, by, "box.revoked", box)
    return row.certificate_serial


def heard(session: Session, box: str, status: Status | None, agrees: bool | None = None) -> None:
    """Note that the box is alive. `agrees`: whether its profiles are ours; None when that could not be compared."""
    values: dict[str, object] = {"last_seen": now()}
    if status is not None:
        values["status"] = status.model_dump_json()
    if agrees is not None:
        values["agrees"] = agrees
    session.execute(update(BoxRow).where(col(BoxRow.id) == box).values(**values))
