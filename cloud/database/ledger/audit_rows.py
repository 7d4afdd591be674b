"""The rows that the ledger's audit reads, page by page: chain entries with all that hangs on them, rows that nothing
explains.

Nothing is checked or parsed here: any column may have been tampered with.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, func, literal
from sqlmodel import Session, SQLModel, col, select

from cloud.database.engine import Database
from cloud.database.tables.ledger import AnchorRow, LedgerJobRow, SubmissionRow
from cloud.database.tables.records import ActionRow, EntryRow, IncidentRow, LogRow, QuarantineRow

PAGE = 100
"""Rows at a time. A proof of a record may take 200 kB, two a record."""
TABLES: dict[str, type[IncidentRow] | type[ActionRow] | type[LogRow]] = {
    "incident": IncidentRow, "action": ActionRow, "log": LogRow}


class Chained(NamedTuple):
    """An entry, the records with its id by the table they are in, its ledger jobs and its anchors by channel."""

    entry: EntryRow
    records: dict[str, IncidentRow | ActionRow | LogRow]
    jobs: dict[str, LedgerJobRow]
    anchors: dict[str, AnchorRow]


class Known(NamedTuple):
    """An entry that an exported chain is compared with."""

    sequence: int
    hash: str
    content: str


def boxes_with_entries(session: Session) -> list[str]:
    """Return ids of all boxes that any entry names."""
    return list(session.exec(select(EntryRow.box).distinct().order_by(col(EntryRow.box))))


def channels(session: Session) -> list[str]:
    """Return every ledger channel that a record was queued for."""
    return list(session.exec(select(LedgerJobRow.channel).distinct()))


def count_entries(session: Session) -> int:
    return session.exec(select(func.count()).select_from(EntryRow)).one()


def chain(database: Database, box: str) -> Iterator[Chained]:
    """Yield the entries of a box in order of their number. Each page is a transaction of its own."""
    after = -(2**62)
    while True:
        with database.read() as session:
            query = select(EntryRow).where(EntryRow.box == box, EntryRow.sequence > _number(after))
            entries = session.exec(query.order_by(col(EntryRow.sequence)).limit(PAGE)).all()
            rows = _hung(session, entries)
        yield from rows
        if len(entries) < PAGE:
            return
        after = entries[-1].sequence


def known(session: Session, box: str, first: int, last: int, limit: int) -> list[Known]:
    """Return the entries first..last of a box, in order."""
    rows = session.exec(
        select(EntryRow.sequence, EntryRow.hash, EntryRow.content)
        .where(EntryRow.box == box, EntryRow.sequence >= _number(first), EntryRow.sequence <= _number(last))
        .order_by(col(EntryRow.sequence)).limit(limit))
    return [Known(*row) for row in rows]


def entries_of(session: Session, record_ids: Iterable[str]) -> dict[str, EntryRow]:
    """Record id -> its entry."""
    rows = session.exec(select(EntryRow).where(col(EntryRow.record_id).in_(list(record_ids))))
    return {row.record_id: row for row in rows}


def channels_of(session: Session, record_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Return (record id, channel) of every ledger job of these."""
    rows = session.exec(select(LedgerJobRow.record_id, LedgerJobRow.channel)
                        .where(col(LedgerJobRow.record_id).in_(list(record_ids))))
    return {(record_id, channel) for record_id, channel in rows}


def leaves_of(session: Session, channel: str, transaction: str) -> int:
    """Return how many records are kept as anchored by this transaction, or wait for its answer. Looks through all of
    them.
    """
    anchored = select(func.count()).select_from(AnchorRow).where(
        AnchorRow.channel == channel, col(AnchorRow.anchor).contains(transaction, autoescape=True))
    waiting = select(func.count()).select_from(LedgerJobRow).where(col(LedgerJobRow.submission).in_(
        select(SubmissionRow.id).where(SubmissionRow.channel == channel, SubmissionRow.transaction_id == transaction)))
    return session.exec(anchored).one() + session.exec(waiting).one()


def strays(database: Database) -> Iterator[tuple[str, str, str]]:
    """Yield (what, id, box or channel) of records, jobs and anchors that no chain entry explains."""
    for what, table, key, box in (("incident", IncidentRow, IncidentRow.id, IncidentRow.box),
                                  ("log record", LogRow, LogRow.id, LogRow.box),
                                  ("action", ActionRow, ActionRow.id, ActionRow.box),
                                  ("ledger job", LedgerJobRow, LedgerJobRow.record_id, LedgerJobRow.channel),
                                  ("anchor", AnchorRow, AnchorRow.record_id, AnchorRow.channel)):
        after = ""
        while page := _strays(database, table, key, box, after):
            yield from ((what, row_id, owner) for row_id, owner in page)
            after = page[-1][0]


def refused(database: Database) -> Iterator[QuarantineRow]:
    """Yield messages of boxes that held a chain entry and were not taken, oldest first."""
    after = ""
    while True:
        with database.read() as session:
            rows = session.exec(select(QuarantineRow)
                                .where(QuarantineRow.id > after, col(QuarantineRow.kind).in_(TABLES))
                                .order_by(col(QuarantineRow.id)).limit(PAGE)).all()
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _number(value: int) -> ColumnElement[int]:
    # Without its type PostgreSQL would be asked for an integer of 32 bits.
    return literal(value, BigInteger)


def _hung(session: Session, entries: Sequence[EntryRow]) -> list[Chained]:
    ids = [entry.record_id for entry in entries]
    records: dict[str, dict[str, Any]] = {}
    for kind, table in TABLES.items():
        for row_id, row in session.exec(select(table.id, table).where(col(table.id).in_(ids))):
            records.setdefault(row_id, {})[kind] = row
    anchors: dict[str, dict[str, AnchorRow]] = {}
    for anchor in session.exec(select(AnchorRow).where(col(AnchorRow.record_id).in_(ids))):
        anchors.setdefault(anchor.record_id, {})[anchor.channel] = anchor
    jobs: dict[str, dict[str, LedgerJobRow]] = {}
    for job in session.exec(select(LedgerJobRow).where(col(LedgerJobRow.record_id).in_(ids))):
        jobs.setdefault(job.record_id, {})[job.channel] = job
    return [Chained(entry, records.get(entry.record_id, {}), jobs.get(entry.record_id, {}),
                    anchors.get(entry.record_id, {})) for entry in entries]


def _strays(database: Database, table: type[SQLModel], key: Any, box: Any, after: str) -> list[tuple[str, str]]:
    explained = select(EntryRow.record_id).where(EntryRow.record_id == key).exists()
    query = select(key, box).where(key > after, ~explained)
    if table is ActionRow:
        # What somebody did in the cloud is in no box's chain.
        query = query.where(col(box).is_not(None))
    with database.read() as session:
        return list(session.exec(query.order_by(key).limit(PAGE)))
