"""The cloud's pages: HTML made here from the same values the REST interface gives."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cloud.admin.audit import ledger_audit, quarantine
from cloud.admin.fleet import fleet as fleet_of
from cloud.admin.incidents import readable, shown
from cloud.admin.ledger_health import WARN_DAYS, look
from cloud.admin.release import view_of as release_of
from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.admin.site import view_of as contacts_of
from cloud.admin.templates import page
from cloud.admin.trail import lines
from cloud.database import boxes, site
from cloud.database.ledger import audits
from cloud.database.records import records
from cloud.database.tables.records import FileRow
from cloud.database.telling import alerts, deliveries, releases
from contract.errors import SentryboxError
from contract.identity import Identity
from contract.ids import Id
from contract.incident import KINDS, Incident, IncidentFilter, State
from contract.policy import Policy, decide_on
from contract.views import IncidentView
from web.consent import TEXT
from web.guard import ADMINS, SUPERVISORS, Who, guarded_page
from web.people import find_users, view_of
from web.problems import STATUS_OF, Problem
from web.uploads import MAX_PHOTOS

router = APIRouter(route_class=guarded_page(RULES), tags=["pages"], include_in_schema=False,
                   default_response_class=HTMLResponse)

_PER_PAGE = 20
STATES = {"open": "Open", "acknowledged": "Acknowledged", "resolved": "Resolved"}


def _in_words(endpoint: Callable[..., Response]) -> Callable[..., Response]:
    """Errors of a page are pages."""

    @wraps(endpoint)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        try:
            return endpoint(*args, **kwargs)
        except (SentryboxError, Problem) as error:
            status = error.status if isinstance(error, Problem) else \
                next(code for kind, code in STATUS_OF.items() if isinstance(error, kind))
            return page(kwargs["request"], "problem.html", status, detail=error.detail, hint=error.hint)

    return wrapped


@router.get("/")
def home() -> Response:
    return RedirectResponse("/ui/incidents", 303)


@router.get("/ui/incidents")
@_in_words
def incidents(request: Request, cloud: Cloud, who: Who, state: State | None = None,
              cursor: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    with cloud.database.read() as session:
        views, following = shown(session, IncidentFilter(state=state), cursor, _PER_PAGE, who, cloud.policy)
        rows = [_row(session, view, who, cloud.policy) for view in views]
        alarms = alerts.problems(session, 20) if who.role != "police" and cursor is None else []
        names = alerts.names_of(session, tuple(a.recipient for a in alarms))
        audited = audits.last(session) if who.role != "police" and cursor is None else None
        linked = {a.subject for a in alarms if isinstance(alerts.subject_of(session, a.subject), Incident)}
    more = "?" + urlencode({k: v for k, v in (("state", state), ("cursor", following)) if v}) if following else ""
    return page(request, "incidents.html", rows=rows, state=state, more=more, states=STATES, alarms=alarms, names=names,
                linked=linked, audited=audited)


@router.get("/ui/incidents/{incident_id}")
@_in_words
def incident(request: Request, incident_id: Id, cloud: Cloud, who: Who) -> Response:
    with cloud.database.read() as session:
        view = readable(session, records.incident_view(session, incident_id), who, cloud.policy)
        return page(request, "incident.html", row=_row(session, view, who, cloud.policy))


@router.get("/ui/people")
@_in_words
def people(request: Request, cloud: Cloud, who: Who, search: Annotated[str, Query(max_length=200)] = "",
           cursor: Annotated[Id | None, Query()] = None) -> Response:
    found = find_users(cloud.profiles, search, cursor or "", 50)
    more = "?" + urlencode({"search": search, "cursor": found.next}) if found.next else ""
    return page(request, "people.html", people=found.items, search=search, more=more,
                may_edit=who.role in SUPERVISORS)


@router.get("/ui/people/new")
@_in_words
def new_person(request: Request, cloud: Cloud) -> Response:
    return page(request, "person_new.html", consent=TEXT, max_photos=MAX_PHOTOS)


@router.get("/ui/people/{user_id}")
@_in_words
def person(request: Request, user_id: Id, cloud: Cloud, who: Who) -> Response:
    view = view_of(cloud.profiles.find, cloud.profiles.get(user_id))
    return page(request, "person.html", person=view, may_edit=who.role in SUPERVISORS, may_erase=who.role in ADMINS,
                max_photos=MAX_PHOTOS)


@router.get("/ui/people/{user_id}/erasure")
@_in_words
def erasure(request: Request, user_id: Id, cloud: Cloud) -> Response:
    return page(request, "erasure.html", erasure=cloud.profiles.erasure(user_id))


@router.get("/ui/boxes")
@_in_words
def fleet(request: Request, cloud: Cloud, who: Who) -> Response:
    with cloud.database.read() as session:
        found = fleet_of(session)
    ledger = look(cloud.ledger, cloud.policy.channels)
    return page(request, "boxes.html", boxes=found, ledger=ledger, warn_days=WARN_DAYS, may_edit=who.role in ADMINS)


@router.get("/ui/contacts")
@_in_words
def contacts(request: Request, cloud: Cloud, who: Who) -> Response:
    with cloud.database.read() as session:
        return page(request, "contacts.html", contacts=contacts_of(site.get(session)),
                    rules=cloud.policy.police, may_edit=who.role in ADMINS)


@router.get("/ui/trail")
@_in_words
def trail(request: Request, cloud: Cloud, cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None) -> Response:
    return page(request, "trail.html", trail=lines(cloud, 50, cursor))


@router.get("/ui/audit")
@_in_words
def audit(request: Request, cloud: Cloud) -> Response:
    return page(request, "audit.html", refused=quarantine(cloud, 20), audit=ledger_audit(cloud).last)


def _row(session: Session, view: IncidentView, who: Identity, policy: Policy) -> dict[str, Any]:
    """Return what a card shows of an incident. Police does not see the private contacts of people."""
    incident = view.incident
    told = [] if who.role == "police" else deliveries.for_subject(session, incident.id)
    pictures = [e.sha256 for e in incident.evidence
                if e.media_type.startswith("image/") and session.get(FileRow, e.sha256) is not None]
    try:
        box = boxes.get(session, incident.device).name
    except SentryboxError:
        box = incident.device
    return {"view": view, "incident": incident, "kind": KINDS[incident.kind].label, "state": STATES[view.state],
            "people": [(p, view.names.get(p.person)) for p in incident.people], "pictures": pictures,
            "awaited": len(incident.evidence) - len(pictures), "ledger": view.ledger, "told": told,
            "names": alerts.names_of(session, tuple(d.recipient for d in told)), "box": box,
            "police": _police(session, view, who, policy), "may_release": who.role in SUPERVISORS,
            "may_act": view.state != "resolved", "may_resolve": who.role != "police"}


def _police(session: Session, view: IncidentView, who: Identity, policy: Policy) -> list[dict[str, Any]]:
    """Return how the incident stands with each police organisation whose business it is, or that it was released to;
    for police, with their own.
    """
    if view.withheld:
        return []
    decision, found = decide_on(view.incident, policy), releases.of_record(session, view.incident.id)
    names = dict.fromkeys((*decision.concerned, *found))
    if who.role == "police":
        names = {name: None for name in names if name == policy.reads_for(who.name)}
    return [{"name": name.replace("-", " ").capitalize(), "told": name not in decision.awaited,
             "release": release_of(name, found.get(name))} for name in names]
