"""The trail: who did what, in lines chained by hash: a line changed or taken out shows."""

from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from cloud.database.tables.site import TrailRow
from contract.canonical import canonical_bytes, digest
from contract.errors import Rejected
from contract.moments import now

GENESIS = "0" * 64


def record(session: Session, by: str, action: str, subject: str, **detail: Any) -> None:
    """Add a line. `detail` holds JSON values, never a name or an address: lines outlive the people they are
    about."""
    number = session.execute(text("UPDATE counters SET audit = audit + 1 RETURNING audit")).scalar_one()
    last = session.get(TrailRow, number - 1)
    row = TrailRow(
        number=number,
        at=now(),
        by=by,
        action=action,
        subject=subject,
        detail=canonical_bytes(detail).decode(),
        previous=last.hash if last else GENESIS,
        hash="",
    )
    row.hash = _hash(row)
    session.add(row)
    session.flush()


def page(session: Session, before: int | None, limit: int) -> list[TrailRow]:
    """Return lines, newest first; `before` is the number of the last line of the page before."""
    query = select(TrailRow).order_by(col(TrailRow.number).desc()).limit(limit)
    return list(session.exec(query if before is None else query.where(TrailRow.number < before)))


def check(session: Session) -> int:
    """Walk the chain; return its length. Raises Rejected naming the first line that does not fit."""
    previous, count = GENESIS, 0
    for row in session.exec(select(TrailRow).order_by(col(TrailRow.number))):
        if (row.number, row.previous, row.hash) != (count + 1, previous, _hash(row)):
            raise Rejected(f"audit line {row.number} does not follow line {count}: the audit log was changed")
        previous, count = row.hash, row.number
    return count


def _hash(row: TrailRow) -> str:
    return digest("sentrybox/audit/v1", canonical_bytes(row.model_dump(exclude={"hash"}))).hex()
