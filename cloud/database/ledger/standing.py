"""The standing of records on the ledger. Only reads."""

from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database.tables.ledger import AnchorRow, LedgerJobRow
from contract.errors import NotFound
from contract.ledger import INCLUSION, Anchor, Inclusion, LedgerStatus


class Standing(NamedTuple):
    """The place of a record on all its channels together, and why it waits or is parked."""

    status: LedgerStatus
    reason: str


def parked(session: Session, limit: int = 100) -> list[LedgerJobRow]:
    """Return the parked jobs, newest first."""
    return list(
        session.exec(
            select(LedgerJobRow)
            .where(LedgerJobRow.state == "parked")
            .order_by(col(LedgerJobRow.record_id).desc(), col(LedgerJobRow.channel))
            .limit(limit)
        )
    )


def counts(session: Session) -> dict[str, int]:
    """Return state -> how many jobs."""
    rows = session.exec(select(LedgerJobRow.state, func.count()).group_by(LedgerJobRow.state))
    return dict(rows.all())


def standing(session: Session, record_id: str) -> Standing:
    """Return where a record stands. Raises NotFound."""
    rows = session.exec(
        select(LedgerJobRow).where(LedgerJobRow.record_id == record_id).order_by(col(LedgerJobRow.channel))
    ).all()
    if not rows:
        raise NotFound(f"no record {record_id} was received for the ledger")
    states = {row.state for row in rows}
    reasons = "; ".join(dict.fromkeys(row.reason for row in rows if row.reason and row.state != "anchored"))
    if "parked" in states:
        return Standing("parked", reasons)
    if states == {"anchored"}:
        return Standing("anchored", "")
    return Standing("recorded" if states == {"recorded"} else "submitted", reasons)


def where_anchored(session: Session, record_id: str) -> list[tuple[Anchor, Inclusion]]:
    """Return anchors and proofs by channel; [] while the record is not anchored. Whoever shows it to others than the
    police leaves the police channel out.
    """
    rows = session.exec(
        select(AnchorRow).where(AnchorRow.record_id == record_id).order_by(col(AnchorRow.channel))
    )
    return [
        (Anchor.model_validate_json(row.anchor), INCLUSION.validate_json(row.inclusion))
        for row in rows
    ]
