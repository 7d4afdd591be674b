"""Incidents: reported by people, listed, followed up."""

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from appliance.api.auth import Box, new_router
from contract.errors import NotFound
from contract.identity import Identity
from contract.ids import Hash, Id, Name
from contract.incident import (
    KINDS,
    IncidentDraft,
    IncidentFilter,
    Involved,
    Kind,
    Part,
    Place,
    Severity,
    State,
    Text,
)
from contract.moments import Instant
from contract.policy import Organisation, Policy, channels_shown_to, decide_on
from contract.views import IncidentView, LedgerState
from web.guard import Who
from web.pagination import Cursor, IdempotencyKey, Limit, Page, scoped_key
from web.problems import Problem

router = new_router("incidents")


class PersonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    person: Id
    part: Part = "involved"
    confidence: float = Field(default=1.0, ge=0, le=1)


class NewIncident(BaseModel):
    """`affected_user` is short for one person with part victim. The time needs a zone."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    at: Instant = Field(validation_alias=AliasChoices("time", "at"), examples=["2026-11-23T20:00:00+01:00"])
    location: Place
    kind: Kind
    severity: Severity | None = None
    affected_user: Id | None = None
    people: tuple[PersonIn, ...] = Field(default=(), max_length=50)
    description: Text = ""
    camera: Name | None = None

    @model_validator(mode="after")
    def _each_person_once(self) -> "NewIncident":
        ids = [p.person for p in self.people] + ([self.affected_user] if self.affected_user else [])
        if len(set(ids)) != len(ids):
            raise ValueError("a person is named twice")
        return self

    def draft(self) -> IncidentDraft:
        """Return what the store takes."""
        victim = (Involved(person=self.affected_user, part="victim", confidence=1.0),) if self.affected_user else ()
        others = tuple(Involved(person=p.person, part=p.part, confidence=p.confidence) for p in self.people)
        return IncidentDraft(kind=self.kind, severity=self.severity or KINDS[self.kind].usual_severity, at=self.at,
                             location=self.location, camera=self.camera, people=victim + others,
                             description=self.description)


class IncidentAction(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Literal["acknowledge", "assign", "resolve", "note"]
    note: Text = ""
    assignee: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> "IncidentAction":
        if self.action == "assign" and self.assignee is None:
            raise ValueError("assign needs `assignee`")
        if self.action == "note" and not self.note:
            raise ValueError("note needs `note`")
        return self


@router.post("/incidents", status_code=201)
def report(body: NewIncident, box: Box, who: Who, response: Response, key: IdempotencyKey = None) -> IncidentView:
    """Write an incident down. It is on the disk, in the box's chain and in the outbox when this answers."""
    view, new = box.store.incidents.record(body.draft(), by=who.name, key=scoped_key(who, key))
    response.headers["Location"] = f"/incidents/{view.incident.id}"
    if not new:
        response.headers["Idempotency-Replayed"] = "true"
    return for_role(view, who, box.store.policy())


@router.get("/incidents")
def listing(box: Box, who: Who, state: State | None = None, kind: Kind | None = None,
            severity: Severity | None = None, camera: Name | None = None, person: Id | None = None,
            since: Annotated[Instant | None, Query(description="inclusive, with a zone")] = None,
            until: Annotated[Instant | None, Query(description="exclusive, with a zone")] = None,
            cursor: Cursor = None, limit: Limit = 50) -> Page[IncidentView]:
    """Return past incidents, newest first. For police: only those of which the site's policy tells their organisation.
    """
    wanted = IncidentFilter(state, kind, severity, camera, person, since, until)
    views, following = box.store.incidents.page(wanted, cursor, limit)
    return Page(items=list(visible(views, who, box.store.policy())), next=following)


@router.get("/incidents/{incident_id}")
def one(incident_id: Id, box: Box, who: Who) -> IncidentView:
    """Return an incident with what people did about it and where it stands on the ledger."""
    return readable(box.store.incidents.get(incident_id), who, box.store.policy())


@router.patch("/incidents/{incident_id}")
def act(incident_id: Id, body: IncidentAction, box: Box, who: Who) -> IncidentView:
    """Acknowledge, assign, resolve, or add a note. Police may acknowledge."""
    if who.role == "police" and body.action != "acknowledge":
        raise Problem(403, "wrong_role", f"role police may acknowledge, not {body.action}")
    policy = box.store.policy()
    readable(box.store.incidents.get(incident_id), who, policy)
    view = box.store.incidents.act(incident_id, body.action, by=who.name, note=body.note, assignee=body.assignee)
    return for_role(view, who, policy)


@router.get("/incidents/{incident_id}/evidence/{sha256}", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})
def evidence(incident_id: Id, sha256: Hash, box: Box, who: Who) -> Response:
    """Return a file that shows the incident."""
    view = readable(box.store.incidents.get(incident_id), who, box.store.policy())
    if sha256 not in (e.sha256 for e in view.incident.evidence):
        raise NotFound(f"incident {incident_id} has no evidence {sha256}")
    data, media_type = box.store.files.get(sha256)
    return Response(data, media_type=media_type,
                    headers={"Cache-Control": "private, max-age=86400, immutable", "Content-Disposition": "inline"})


def visible(views: Iterable[IncidentView], who: Identity, policy: Policy) -> Iterable[IncidentView]:
    """Return the incidents this person may see, as they may see them."""
    organisation = organisation_of(who, policy)
    return (for_role(v, who, policy) for v in views
            if who.role != "police" or organisation in decide_on(v.incident, policy).audience)


def readable(view: IncidentView, who: Identity, policy: Policy) -> IncidentView:
    """Return the incident as this person may see it. Raises NotFound where they may not, as if there were none."""
    if not list(visible([view], who, policy)):
        raise NotFound(f"no incident {view.incident.id}")
    return for_role(view, who, policy)


def for_role(view: IncidentView, who: Identity, policy: Policy) -> IncidentView:
    """Return the incident as this person may see it."""
    return view.model_copy(update={"ledger": ledger_for(view.ledger, who, policy)})


def ledger_for(state: LedgerState, who: Identity, policy: Policy) -> LedgerState:
    """Return the state with the anchors of a police channel only for who reads for that organisation."""
    shown = tuple(a for a in state.anchors if a.channel in channels_shown_to(organisation_of(who, policy)))
    return state.model_copy(update={"anchors": shown})


def organisation_of(who: Identity, policy: Policy) -> Organisation | None:
    """Return the police organisation that this person reads for; None: they read for the site, or nobody said for whom.
    """
    return policy.reads_for(who.name) if who.role == "police" else None
