"""The outbox messages that have had their receipt, and those that were refused."""

from typing import Literal, NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database.engine import insert_if_absent
from cloud.database.tables.records import QuarantineRow, ReceivedRow
from contract.canonical import content_hash
from contract.ids import new_id
from contract.messages import Up
from contract.moments import now

PRIVATE = frozenset({"profile_created", "profile_changed", "evidence", "notice"})
"""Bodies that may hold faces, names or addresses: what is refused of them is not kept."""
UNREADABLE_KEPT = 500


class Outcome(NamedTuple):
    """The result that a receipt reports."""

    result: Literal["committed", "quarantined"]
    reason: str = ""


def outcome_of(session: Session, message: Up) -> Outcome | None:
    """Return what became of this very message before; None when it is new. The id with other content is
    quarantined."""
    row = session.get(ReceivedRow, (message.box, message.id))
    if row is None:
        return None
    if row.hash == message.hash:
        return Outcome("quarantined" if row.result == "quarantined" else "committed", row.reason)
    outcome = Outcome("quarantined", "the same id came before with other content, which is kept")
    quarantine(session, message, outcome.reason)
    return outcome


def first_time(session: Session, message: Up) -> bool:
    """Note the message as committed before its effects are made; False when another ingest has just done it (whose
    transaction has ended by then)."""
    return insert_if_absent(
        session,
        ReceivedRow(box=message.box, id=message.id, hash=message.hash, result="committed", at=now()),
    )


def refuse(session: Session, message: Up, reason: str) -> Outcome:
    """Turn the note of a message that was refused into that, and quarantine it."""
    row = session.get_one(ReceivedRow, (message.box, message.id))
    row.result, row.reason = "quarantined", reason[:1000]
    session.add(row)
    session.flush()
    quarantine(session, message, reason)
    return Outcome("quarantined", row.reason)


def quarantine(session: Session, message: Up, reason: str) -> None:
    """Keep a refused message for a person to see; the same one again is kept once."""
    body = message.body.model_dump_json()
    insert_if_absent(
        session,
        QuarantineRow(
            id=new_id(),
            box=message.box,
            message_id=message.id,
            hash=message.hash,
            kind=message.body.type,
            reason=reason[:1000],
            content="" if message.body.type in PRIVATE else body,
            at=now(),
        ),
    )


def quarantine_unreadable(session: Session, box: str, topic: str, payload_hash: str, reason: str) -> None:
    """Note a message that is not one of ours: its hash and why, not its bytes. Only the newest of a box are
    kept."""
    row_id = content_hash([topic, payload_hash])
    insert_if_absent(
        session,
        QuarantineRow(
            id=new_id(),
            box=box,
            message_id=row_id[:36],
            hash=payload_hash,
            kind="unreadable",
            reason=reason[:1000],
            at=now(),
        ),
    )
    ours = select(QuarantineRow).where(QuarantineRow.box == box, QuarantineRow.kind == "unreadable")
    for row in session.exec(ours.order_by(col(QuarantineRow.id).desc()).offset(UNREADABLE_KEPT)).all():
        session.delete(row)


def quarantined(session: Session, limit: int) -> list[QuarantineRow]:
    """Return refused messages, newest first."""
    return list(session.exec(select(QuarantineRow).order_by(col(QuarantineRow.id).desc()).limit(limit)))


def count_quarantined(session: Session) -> int:
    return session.exec(select(func.count()).select_from(QuarantineRow)).one()
