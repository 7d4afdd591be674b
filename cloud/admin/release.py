"""Details of single records for the police, off the ledger: released by a person of the campus, taken back again."""

from typing import Literal

from pydantic import BaseModel
from sqlmodel import Session

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database.ledger.proofs import proof_of
from cloud.database.records import records
from cloud.database.tables.telling import ReleaseRow
from cloud.database.telling import alerts, releases
from contract.errors import NotFound
from contract.ids import Id
from contract.incident import Incident
from contract.moments import Instant
from contract.proof.release import Released
from web.guard import Who, new_router
from web.problems import Problem

router = new_router(RULES, "police")


class ReleaseView(BaseModel):
    """Whether the police may read this record, since when, and by whose word."""

    state: Literal["not released", "released", "withdrawn"]
    at: Instant | None = None
    by: str = ""


@router.post("/incidents/{incident_id}/release")
def release_incident(incident_id: Id, cloud: Cloud, who: Who) -> ReleaseView:
    """Let the police read this incident: its record with the proof, and the names of the people in it. Repeating it is
    harmless."""
    with cloud.database.write() as session:
        records.incident_view(session, incident_id)
        return view_of(releases.release(session, incident_id, who.name))


@router.delete("/incidents/{incident_id}/release")
def withdraw_incident(incident_id: Id, cloud: Cloud, who: Who) -> ReleaseView:
    """Take the release back: the police's copy goes when they look next, within an hour."""
    with cloud.database.write() as session:
        records.incident_view(session, incident_id)
        releases.withdraw(session, incident_id, who.name)
        return view_of(releases.find(session, incident_id))


@router.post("/blockchain/log/{record_id}/release")
def release_log(record_id: Id, cloud: Cloud, who: Who) -> ReleaseView:
    """Let the police read this log record. Repeating it is harmless."""
    with cloud.database.write() as session:
        records.log_view(session, record_id)
        return view_of(releases.release(session, record_id, who.name))


@router.delete("/blockchain/log/{record_id}/release")
def withdraw_log(record_id: Id, cloud: Cloud, who: Who) -> ReleaseView:
    """Take the release back."""
    with cloud.database.write() as session:
        records.log_view(session, record_id)
        releases.withdraw(session, record_id, who.name)
        return view_of(releases.find(session, record_id))


@router.get("/released/{record_id}")
def released(record_id: Id, cloud: Cloud) -> Released:
    """What was released of a record: 404 before, 410 after it was withdrawn, 503 until the record is anchored."""
    with cloud.database.read() as session:
        row = must_be_released(session, record_id)
        proof = proof_of(session, record_id, police=True)
        people = tuple(p.person for p in proof.record.people) if isinstance(proof.record, Incident) else ()
        return Released(proof=proof, names=alerts.names_of(session, people), released_at=row.released_at)


def must_be_released(session: Session, record_id: str) -> ReleaseRow:
    """Raises NotFound, also where there is no such record: the police learn of none by asking; Problem 410 for a
    release that was withdrawn."""
    row = releases.find(session, record_id)
    if row is None:
        raise NotFound(f"nothing is released under {record_id}", hint="a supervisor of the campus releases incidents")
    if row.withdrawn_at is not None:
        raise Problem(410, "withdrawn", f"the campus took the release of {record_id} back")
    return row


def view_of(row: ReleaseRow | None) -> ReleaseView:
    """How a release stands."""
    if row is None:
        return ReleaseView(state="not released")
    if row.withdrawn_at is not None:
        return ReleaseView(state="withdrawn", at=row.withdrawn_at, by=row.withdrawn_by or "")
    return ReleaseView(state="released", at=row.released_at, by=row.released_by)
