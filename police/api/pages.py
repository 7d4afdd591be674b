"""The police's pages: HTML made here from the same values the REST interface gives. They work without a script."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cloud.database.telling import deliveries
from contract.errors import NotFound, SentryboxError
from contract.ids import Id
from contract.incident import KINDS
from police.api.entries import acknowledge, ask, checked, listing
from police.api.rules import RULES
from police.api.services import Police
from police.api.templates import page
from police.database import details, entries
from web.guard import Who, guarded_page
from web.problems import status_for
from web.sign_in import read_fields

router = APIRouter(route_class=guarded_page(RULES), tags=["pages"], include_in_schema=False,
                   default_response_class=HTMLResponse)

_PER_PAGE = 20


def _in_words(endpoint: Callable[..., Response]) -> Callable[..., Response]:
    """Errors of a page are pages."""

    @wraps(endpoint)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        try:
            return endpoint(*args, **kwargs)
        except SentryboxError as error:
            return page(kwargs["request"], "problem.html", status_for(error), detail=error.detail, hint=error.hint)

    return wrapped


@router.get("/")
def home() -> Response:
    return RedirectResponse("/ui/entries", 303)


@router.get("/ui/entries")
@_in_words
def entries_page(request: Request, police: Police, cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None
            ) -> Response:
    found = listing(police, _PER_PAGE, cursor)
    with police.database.read() as session:
        alarms = deliveries.page(session, ("failed",), 20) if cursor is None else []
        wrong = details.counts(session).get("mismatch", 0)
    return page(request, "entries.html", entries=found.items, more=found.next, link=police.link(), alarms=alarms,
                wrong=wrong, faults=police.faults())


@router.get("/ui/entries/{entry_id}")
@_in_words
def entry(request: Request, entry_id: Id, police: Police) -> Response:
    with police.database.read() as session:
        row = entries.get(session, entry_id)
        return page(request, "entry.html", entry=checked(session, row), link=police.link(), kinds=KINDS)


@router.post("/ui/entries/{entry_id}")
async def act(request: Request, entry_id: Id, police: Police, who: Who) -> Response:
    """Do what a button of an entry asks for."""
    button = (await read_fields(request)).get("do")
    try:
        if button == "acknowledge":
            await run_in_threadpool(acknowledge, entry_id, police, who)
        elif button == "ask":
            await run_in_threadpool(ask, entry_id, police)
        else:
            return page(request, "problem.html", 422, detail="there is no such button", hint="")
    except NotFound as error:
        return page(request, "problem.html", 404, detail=error.detail, hint=error.hint)
    return RedirectResponse(f"/ui/entries/{entry_id}", 303)
