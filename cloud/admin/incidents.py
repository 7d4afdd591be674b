"""Incidents of all boxes: listed, shown, followed up. What is done here goes down to the box."""

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import Session

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import trail
from cloud.database.records import evidence, records
from cloud.database.telling import releases
from contract.errors import NotFound
from contract.identity import Identity
from contract.ids import Hash, Id, Name
from contract.incident import IncidentFilter, Kind, Severity, State, Text
from contract.moments import Instant
from contract.policy import Organisation, Policy, channels_shown_to, decide_on
from contract.views import IncidentView
from web.guard import Who, new_router
from web.pagination import Cursor, Limit, Page
from web.problems import Problem

router = new_router(RULES, "incidents")

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


@router.get("/incidents")
def listing(cloud: Cloud, who: Who, state: State | None = None, kind: Kind | None = None,
            severity: Severity | None = None, camera: Name | None = None, person: Id | None = None,
            box: Name | None = None,
            since: Annotated[Instant | None, Query(description="inclusive, with a zone")] = None,
            until: Annotated[Instant | None, Query(description="exclusive, with a zone")] = None,
            cursor: Cursor = None, limit: Limit = 50) -> Page[IncidentView]:
    """Return past incidents, newest first. For police: only those of which the site's policy tells their organisation,
    without the people in them until the campus has released them, and those it has released.
    """
    wanted = IncidentFilter(state, kind, severity, camera, person, since, until)
    with cloud.database.read() as session:
        items, following = shown(session, wanted, cursor, limit, who, cloud.policy, box)
    return Page(items=items, next=following)


@router.get("/incidents/{incident_id}")
def one(incident_id: Id, cloud: Cloud, who: Who) -> IncidentView:
    """Return an incident with what people did about it and where it stands on the ledger."""
    with cloud.database.read() as session:
        return readable(session, records.incident_view(session, incident_id), who, cloud.policy)


@router.patch("/incidents/{incident_id}")
def act(incident_id: Id, body: IncidentAction, cloud: Cloud, who: Who) -> IncidentView:
    """Acknowledge, assign, resolve, or add a note; the box hears of it. Police may acknowledge."""
    if who.role == "police" and body.action != "acknowledge":
        raise Problem(403, "wrong_role", f"role police may acknowledge, not {body.action}")
    with cloud.database.write() as session:
        readable(session, records.incident_view(session, incident_id), who, cloud.policy)
        view = records.act(session, incident_id, body.action, by=who.name, note=body.note, assignee=body.assignee)
        trail.record(session, who.name, f"incident.{body.action}", incident_id)
        return readable(session, view, who, cloud.policy)


@router.get("/incidents/{incident_id}/evidence/{sha256}", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})
def show_evidence(incident_id: Id, sha256: Hash, cloud: Cloud, who: Who) -> Response:
    """Return a file that shows the incident, once it has arrived from the box."""
    with cloud.database.read() as session:
        view = readable(session, records.incident_view(session, incident_id), who, cloud.policy)
        if sha256 not in (e.sha256 for e in view.incident.evidence):
            raise NotFound(f"incident {incident_id} has no evidence {sha256}")
        data, media_type = evidence.read(session, cloud.files, sha256)
    # What a box sends is shown as a picture or saved, never run as a page.
    disposition = "inline" if media_type in ("image/jpeg", "image/png", "video/mp4") else "attachment"
    return Response(data, media_type=media_type, headers={
        "Cache-Control": "private, max-age=86400, immutable", "Content-Disposition": disposition})


def shown(session: Session, wanted: IncidentFilter, cursor: str | None, limit: int, who: Identity, policy: Policy,
          box: str | None = None) -> tuple[list[IncidentView], str | None]:
    """Return a page of incidents as this person may see them, newest first, and the cursor of the page after it.

    The cursor names the last incident that is shown, never one that is not: it would tell the police of that one.
    """
    found: list[IncidentView] = []
    if who.role == "police" and policy.reads_for(who.name) is None:
        # Nothing is theirs: do not look through all that there is for it.
        return found, None
    while len(found) <= limit:
        views, following = records.page(session, wanted, cursor, limit, box)
        # Or else the police could ask for a person, and see which withheld incidents answer.
        found += [view for view in visible(session, views, who, policy) if wanted.person is None or not view.withheld]
        if following is None or (who.role != "police" and len(found) == limit):
            break
        cursor = following
    if len(found) <= limit:
        return found, following
    return found[:limit], records.cursor_after(found[limit - 1])


def visible(session: Session, views: Iterable[IncidentView], who: Identity, policy: Policy) -> list[IncidentView]:
    """Return the incidents this person may see, as they may see them."""
    if who.role != "police":
        return [_anchors_for(None, view) for view in views]
    organisation = policy.reads_for(who.name)
    if organisation is None:
        return []
    views = [_anchors_for(organisation, view) for view in views]
    released = releases.released(session, tuple(view.incident.id for view in views), organisation)
    return [view if view.incident.id in released else _withheld(view) for view in views
            if view.incident.id in released or organisation in decide_on(view.incident, policy).audience]


def readable(session: Session, view: IncidentView, who: Identity, policy: Policy) -> IncidentView:
    """Return the incident as this person may see it. Raises NotFound where they may not, as if there were none."""
    found = visible(session, [view], who, policy)
    if not found:
        raise NotFound(f"there is no incident {view.incident.id}")
    return found[0]


def _anchors_for(organisation: Organisation | None, view: IncidentView) -> IncidentView:
    anchors = tuple(a for a in view.ledger.anchors if a.channel in channels_shown_to(organisation))
    return view.model_copy(update={"ledger": view.ledger.model_copy(update={"anchors": anchors})})


def _withheld(view: IncidentView) -> IncidentView:
    """Return what the police see before a human's word: free text may name people too, so it is left out with them."""
    incident = view.incident.model_copy(update={"people": (), "description": "", "evidence": ()})
    return view.model_copy(update={"incident": incident, "names": {}, "actions": (), "assignee": None,
                                   "withheld": True})
