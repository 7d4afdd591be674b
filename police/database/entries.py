"""The police's own list of what came on the police channel, and how far it was read."""

from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database import meta
from cloud.database.engine import insert_if_absent
from cloud.database.telling import alerts, deliveries
from contract.errors import NotFound
from contract.ledger import LedgerRecord
from contract.moments import now
from contract.policy import POLICE
from police.database.tables import PoliceAcknowledgementRow, PoliceDetailsRow, PoliceEntryRow

CHECKPOINT = "police-channel-read-through"
NO_CONTACT = "an entry came on the police channel, and no police contact is configured; add one to [contacts]"


class SeenRecord(NamedTuple):
    """A record of the channel and where it stands there; `campus`: the site it comes from."""

    record: LedgerRecord
    campus: str
    block: int
    transaction: str


def add(session: Session, seen: SeenRecord) -> bool:
    """Keep an entry and plan all that follows from it: telling the contacts, our word on the ledger, asking for the
    details. Whether it was new; of one that is there already nothing is planned again."""
    at = now()
    newest = session.exec(select(func.max(PoliceEntryRow.number))).one() or 0
    row = PoliceEntryRow(id=seen.record.id, number=newest + 1, campus=seen.campus, commitment=seen.record.commitment,
                         severity=seen.record.severity, block=seen.block, transaction_id=seen.transaction, seen_at=at)
    if not insert_if_absent(session, row):
        return False
    if not deliveries.plan(session, row.id, (), (POLICE,), None):
        alerts.nobody_could_be_told(session, row.id, None, NO_CONTACT)
    session.add(PoliceAcknowledgementRow(entry=row.id, updated_at=at))
    session.add(PoliceDetailsRow(entry=row.id, updated_at=at))
    session.flush()
    return True


def find(session: Session, entry: str) -> PoliceEntryRow | None:
    """Return the entry with this record's id, None when there is none."""
    return session.get(PoliceEntryRow, entry)


def get(session: Session, entry: str) -> PoliceEntryRow:
    """Return an entry. Raises NotFound."""
    row = find(session, entry)
    if row is None:
        raise NotFound(f"there is no entry {entry}")
    return row


def page(session: Session, before: int | None, limit: int) -> list[PoliceEntryRow]:
    """Return entries, newest first; `before` is the number of the last entry of the page before."""
    query = select(PoliceEntryRow).order_by(col(PoliceEntryRow.number).desc()).limit(limit)
    return list(session.exec(query if before is None else query.where(PoliceEntryRow.number < before)))


def count(session: Session) -> int:
    """Return how many entries came."""
    return session.exec(select(func.count()).select_from(PoliceEntryRow)).one()


def checkpoint(session: Session) -> str | None:
    """Return how far the channel was read, as `put_checkpoint` stored it; None before the first time."""
    return meta.get(session, CHECKPOINT)


def put_checkpoint(session: Session, text: str) -> None:
    """Read the channel from here next time. In the transaction that kept what was read."""
    meta.put(session, CHECKPOINT, text)
