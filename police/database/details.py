"""The details that the campus released of the entries on the police channel: asked for again and again, checked, kept,
dropped.
"""

from sqlalchemy import func
from sqlmodel import Session, col, select

from contract.moments import now
from contract.proof.release import Released
from police.database.tables import DetailsState, PoliceDetailsRow


def due(session: Session, at: str, limit: int) -> list[PoliceDetailsRow]:
    """Return entries for which to ask the campus now, longest due first."""
    return list(session.exec(
        select(PoliceDetailsRow).where(PoliceDetailsRow.not_before <= at)
        .order_by(col(PoliceDetailsRow.not_before), col(PoliceDetailsRow.entry)).limit(limit)))


def get(session: Session, entry: str) -> PoliceDetailsRow:
    """Return how an entry's details stand."""
    return session.get_one(PoliceDetailsRow, entry)


def released_of(row: PoliceDetailsRow) -> Released | None:
    """Return what there is to read, None when there is nothing."""
    return Released.model_validate_json(row.content) if row.content else None


def answered(session: Session, entry: str, state: DetailsState, released: Released | None, reason: str, not_before: str
             ) -> None:
    """Keep how this entry stands by the campus's word; what it said before is gone with this."""
    row = session.get_one(PoliceDetailsRow, entry)
    content = "" if released is None else released.model_dump_json()
    if (row.state, row.content) != (state, content):
        row.updated_at = now()
    row.state, row.content, row.reason, row.not_before, row.asked_at = state, content, reason[:1000], not_before, now()
    session.add(row)


def unanswered(session: Session, entry: str, reason: str, not_before: str) -> None:
    """Note that the campus could not be asked: what is known stays."""
    row = session.get_one(PoliceDetailsRow, entry)
    row.reason, row.not_before, row.asked_at = reason[:1000], not_before, now()
    session.add(row)


def ask_now(session: Session, entry: str) -> None:
    """Let the campus be asked at the next round."""
    row = session.get_one(PoliceDetailsRow, entry)
    row.not_before = ""
    session.add(row)


def counts(session: Session) -> dict[str, int]:
    """Return state -> how many entries."""
    rows = session.exec(select(PoliceDetailsRow.state, func.count()).group_by(PoliceDetailsRow.state))
    return dict(rows.all())
