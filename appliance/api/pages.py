"""The guards' pages: HTML made on the box from the same values the REST interface gives."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from appliance.api import health
from appliance.api.auth import RULES, Box, services_of
from appliance.api.cameras import camera_of
from appliance.api.incidents import readable, visible
from appliance.api.ports import Store
from appliance.api.services import Services
from appliance.api.templates import page
from appliance.api.trail import lines
from contract.errors import NotFound, SentryboxError, Unavailable
from contract.identity import Identity
from contract.ids import Id, Name
from contract.incident import KINDS, IncidentFilter, State
from contract.views import IncidentView, NoticeView
from web.consent import TEXT
from web.guard import SUPERVISORS, GuardedRoute, Who
from web.people import find_users, view_of
from web.problems import Problem, status_for
from web.uploads import MAX_PHOTOS


class PageRoute(GuardedRoute):
    """As every guarded route, but errors are pages, and who is not logged in is sent to the log-in page and back."""

    rules = RULES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                answer: Response = await inner(request)
                return answer
            except Problem as error:
                if error.status == 401:
                    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                    return RedirectResponse(f"/login?next={quote(target)}", 303)
                return await _in_words(request, error.status, error.detail, error.hint)
            except SentryboxError as error:
                return await _in_words(request, status_for(error), error.detail, error.hint)
            except RequestValidationError:
                return await _in_words(request, 422, "this address is not a page of this box", "")

        return handler


async def _in_words(request: Request, status: int, detail: str, hint: str) -> Response:
    bar = await run_in_threadpool(bar_of, services_of(request)) if hasattr(request.state, "who") else None
    return page(request, "problem.html", status, detail=detail, hint=hint, bar=bar)


router = APIRouter(route_class=PageRoute, tags=["pages"], include_in_schema=False, default_response_class=HTMLResponse)

_PER_PAGE = 20
STATES = {"open": "Open", "acknowledged": "Acknowledged", "resolved": "Resolved"}


def bar_of(box: Services) -> Any:
    """Return the status bar, None when even the store does not answer."""
    try:
        return health.status(box)
    except Unavailable:
        return None


@router.get("/")
def home(who: Who) -> Response:
    """Return where this role works."""
    return RedirectResponse("/ui/incidents" if who.role == "police" else "/ui/live", 303)


@router.get("/ui/live")
def live(request: Request, box: Box, who: Who) -> Response:
    return page(request, "live.html", bar=bar_of(box), cameras=box.cameras.states(), kinds=KINDS,
                may_edit=who.role in SUPERVISORS)


@router.get("/ui/incidents")
def incidents(request: Request, box: Box, who: Who, state: State | None = None,
              cursor: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    views, following = box.store.incidents.page(IncidentFilter(state=state), cursor, _PER_PAGE)
    rows = [_row(box.store, view, who) for view in visible(views, who, box.store.policy())]
    more = "?" + urlencode({k: v for k, v in (("state", state), ("cursor", following)) if v}) if following else ""
    return page(request, "incidents.html", bar=bar_of(box), rows=rows, state=state, more=more, states=STATES,
                first=cursor is None, cameras=[] if who.role == "police" else box.cameras.states(), kinds=KINDS)


@router.get("/ui/incidents/{incident_id}")
def incident(request: Request, incident_id: Id, box: Box, who: Who) -> Response:
    view = readable(box.store.incidents.get(incident_id), who, box.store.policy())
    return page(request, "incident.html", bar=bar_of(box), row=_row(box.store, view, who))


@router.get("/ui/incidents/{incident_id}/card")
def card(request: Request, incident_id: Id, box: Box, who: Who) -> Response:
    view = readable(box.store.incidents.get(incident_id), who, box.store.policy())
    return page(request, "card.html", row=_row(box.store, view, who))


@router.get("/ui/people")
def people(request: Request, box: Box, who: Who, search: Annotated[str, Query(max_length=200)] = "",
           cursor: Annotated[Id | None, Query()] = None) -> Response:
    found = find_users(box.store.profiles, search, cursor or "", 50)
    more = "?" + urlencode({"search": search, "cursor": found.next}) if found.next else ""
    return page(request, "people.html", bar=bar_of(box), people=found.items, search=search, more=more,
                may_edit=who.role in SUPERVISORS)


@router.get("/ui/people/new")
def new_person(request: Request, box: Box, who: Who) -> Response:
    return page(request, "person_new.html", bar=bar_of(box), consent=TEXT, max_photos=MAX_PHOTOS)


@router.get("/ui/people/{user_id}")
def person(request: Request, user_id: Id, box: Box, who: Who) -> Response:
    view = view_of(box.store.profiles.find, box.store.profiles.get(user_id))
    return page(request, "person.html", bar=bar_of(box), person=view, may_edit=who.role in SUPERVISORS,
                max_photos=MAX_PHOTOS)


@router.get("/ui/cameras/{camera}/zones")
def zones(request: Request, camera: Name, box: Box, who: Who) -> Response:
    return page(request, "zones.html", bar=bar_of(box), camera=camera_of(box, camera), kinds=KINDS)


@router.get("/ui/trail")
def trail(request: Request, box: Box, cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None) -> Response:
    return page(request, "trail.html", bar=bar_of(box), trail=lines(box, 50, cursor))


def _row(store: Store, view: IncidentView, who: Identity) -> dict[str, Any]:
    """Return what a card shows of an incident."""
    ledger, incident = view.ledger, view.incident
    people = [(p, view.names.get(p.person)) for p in incident.people]
    pictures = [e.sha256 for e in incident.evidence if e.media_type.startswith("image/")]
    return {"view": view, "incident": incident, "kind": KINDS[incident.kind].label, "state": STATES[view.state],
            "people": people, "pictures": pictures, "ledger": ledger, "notice": _notice(store, incident.id, who),
            "may_resolve": who.role != "police"}


def _notice(store: Store, subject: str, who: Identity) -> NoticeView | None:
    """Return who was told. Police does not see the private contacts of people."""
    if who.role == "police":
        return None
    try:
        return store.notices.get(subject)
    except NotFound:
        return None
