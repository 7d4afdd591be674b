"""The police's word on the ledger about each entry, as a queue: due once somebody was told of the entry."""

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database.tables.telling import DeliveryRow
from contract.moments import now
from police.database.tables import PoliceAcknowledgementRow

TOLD = ("accepted", "delivered", "acknowledged")


def due(session: Session, at: str, limit: int) -> list[PoliceAcknowledgementRow]:
    """Return those to write now, oldest entry first. Before a contact was told there is nothing to vouch for."""
    told = select(DeliveryRow.id).where(DeliveryRow.subject == PoliceAcknowledgementRow.entry,
                                        col(DeliveryRow.state).in_(TOLD)).exists()
    return list(session.exec(
        select(PoliceAcknowledgementRow)
        .where(PoliceAcknowledgementRow.state == "queued", PoliceAcknowledgementRow.not_before <= at, told)
        .order_by(col(PoliceAcknowledgementRow.entry)).limit(limit)))


def get(session: Session, entry: str) -> PoliceAcknowledgementRow:
    """Return how our word about an entry stands."""
    return session.get_one(PoliceAcknowledgementRow, entry)


def prepared(session: Session, entry: str, transaction: str, envelope: bytes) -> None:
    """Keep the signed envelope. Commit before it is sent: then whatever happens, this very one is sent again."""
    row = session.get_one(PoliceAcknowledgementRow, entry)
    row.transaction_id, row.envelope, row.updated_at = transaction, envelope, now()
    session.add(row)


def written(session: Session, entry: str, transaction: str, block: int | None) -> None:
    """Note that it is on the ledger; `block` is None where an earlier process wrote it."""
    row = session.get_one(PoliceAcknowledgementRow, entry)
    row.state, row.transaction_id, row.block = "acknowledged", transaction, block
    row.envelope, row.reason, row.updated_at = None, "", now()
    session.add(row)


def later(session: Session, entry: str, not_before: str, reason: str, *, keep_envelope: bool) -> None:
    """Try again at `not_before` (an Instant): with the same envelope, or with a new one where that has no effect."""
    row = session.get_one(PoliceAcknowledgementRow, entry)
    row.attempts += 1
    row.not_before, row.reason, row.updated_at = not_before, reason[:1000], now()
    if not keep_envelope:
        row.transaction_id, row.envelope = "", None
    session.add(row)


def queued(session: Session) -> int:
    """Return how many are not on the ledger yet."""
    return session.exec(select(func.count()).select_from(PoliceAcknowledgementRow)
                        .where(PoliceAcknowledgementRow.state == "queued")).one()
