"""Single records for a police organisation: handed over by a person of the campus, their details taken back again."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel
from sqlmodel import Session

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud, Services
from cloud.database.ledger.proofs import proof_of
from cloud.database.records import records
from cloud.database.tables.telling import ReleaseRow
from cloud.database.telling import alerts, releases
from cloud.database.telling.handover import hand_over
from contract.errors import NotFound, Rejected
from contract.ids import Id, Name
from contract.incident import Incident
from contract.moments import Instant
from contract.policy import POLICE, Organisation
from contract.proof.release import Released
from web.guard import Who, new_router
from web.problems import Problem

router = new_router(RULES, "police")


To = Annotated[Name, Query(alias="organisation", description="the police organisation, as the site's policy names it")]


class ReleaseView(BaseModel):
    """The standing of a release: whether an organisation may read the record, since when, and by whose word."""

    organisation: Organisation
    state: Literal["not released", "released", "withdrawn"]
    at: Instant | None = None
    by: str = ""


@router.post("/incidents/{incident_id}/release")
def release_incident(incident_id: Id, cloud: Cloud, who: Who, to: To = POLICE) -> ReleaseView:
    """Let a police organisation read this incident: its record with the proof, and the names of the people in it. One
    that knew nothing of it is told, and finds it on its ledger channel. Repeating it is harmless."""
    with cloud.database.write() as session:
        incident = records.incident_view(session, incident_id).incident
        return view_of(to, hand_over(session, incident, _known(cloud, to), who.name))


@router.delete("/incidents/{incident_id}/release")
def withdraw_incident(incident_id: Id, cloud: Cloud, who: Who, to: To = POLICE) -> ReleaseView:
    """Take the release back: the police's copy goes when they look next, within an hour."""
    with cloud.database.write() as session:
        records.incident_view(session, incident_id)
        releases.withdraw(session, incident_id, to, who.name)
        return view_of(to, releases.find(session, incident_id, to))


@router.post("/blockchain/log/{record_id}/release")
def release_log(record_id: Id, cloud: Cloud, who: Who, to: To = POLICE) -> ReleaseView:
    """Let a police organisation read this log record, as an incident. Repeating it is harmless."""
    with cloud.database.write() as session:
        log = records.log_view(session, record_id).log
        return view_of(to, hand_over(session, log, _known(cloud, to), who.name))


@router.delete("/blockchain/log/{record_id}/release")
def withdraw_log(record_id: Id, cloud: Cloud, who: Who, to: To = POLICE) -> ReleaseView:
    """Take the release back."""
    with cloud.database.write() as session:
        records.log_view(session, record_id)
        releases.withdraw(session, record_id, to, who.name)
        return view_of(to, releases.find(session, record_id, to))


@router.get("/released/{record_id}")
def released(record_id: Id, cloud: Cloud, who: Who) -> Released:
    """Return what was released of a record to the organisation that asks: 404 before, 410 after it was withdrawn, 503
    until the record is anchored.
    """
    organisation = cloud.policy.reads_for(who.name)
    with cloud.database.read() as session:
        row = must_be_released(session, record_id, organisation)
        proof = proof_of(session, record_id, organisation)
        people = tuple(p.person for p in proof.record.people) if isinstance(proof.record, Incident) else ()
        return Released(proof=proof, names=alerts.names_of(session, people), released_at=row.released_at)


def must_be_released(session: Session, record_id: str, organisation: Organisation | None) -> ReleaseRow:
    """Return the release. Raises NotFound, also where there is no such record: the police learn of none by asking;
    Problem 410 for a release that was withdrawn. `organisation` None: an account of which the policy does not say for
    whom it reads.
    """
    row = None if organisation is None else releases.find(session, record_id, organisation)
    if row is None:
        raise NotFound(f"nothing is released under {record_id}", hint="a supervisor of the campus releases incidents")
    if row.withdrawn_at is not None:
        raise Problem(410, "withdrawn", f"the campus took the release of {record_id} back")
    return row


def view_of(organisation: Organisation, row: ReleaseRow | None) -> ReleaseView:
    """Return how a release to this organisation stands."""
    if row is None:
        return ReleaseView(organisation=organisation, state="not released")
    if row.withdrawn_at is not None:
        return ReleaseView(organisation=organisation, state="withdrawn", at=row.withdrawn_at, by=row.withdrawn_by or "")
    return ReleaseView(organisation=organisation, state="released", at=row.released_at, by=row.released_by)


def _known(cloud: Services, organisation: Organisation) -> Organisation:
    """Raises Rejected for an organisation that the site's policy does not name."""
    if organisation not in cloud.policy.organisations:
        raise Rejected(f"the site's policy names no police organisation {organisation}",
                       hint=f"it names: {', '.join(cloud.policy.organisations) or 'none'}")
    return organisation
