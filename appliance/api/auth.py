"""Who may do what. One table for every route; a route without a line in it cannot be built."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from appliance.api.problems import Problem
from appliance.api.services import Services
from contract.identity import Identity, Role

# Cookies are not kept apart by port, so the cloud's page on the same host has another name for its own.
COOKIE = "sentrybox_box_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

PUBLIC: frozenset[Role] = frozenset()
EVERYBODY: frozenset[Role] = frozenset({"guard", "supervisor", "admin", "police"})
GUARDS: frozenset[Role] = frozenset({"guard", "supervisor", "admin"})
SUPERVISORS: frozenset[Role] = frozenset({"supervisor", "admin"})
ADMINS: frozenset[Role] = frozenset({"admin"})

RULES: dict[tuple[str, str], frozenset[Role]] = {
    ("POST", "/recognize"): GUARDS,
    ("POST", "/users/register"): SUPERVISORS,
    ("GET", "/users"): GUARDS,
    ("GET", "/users/{user_id}"): GUARDS,
    ("PUT", "/users/{user_id}"): SUPERVISORS,
    ("DELETE", "/users/{user_id}"): ADMINS,
    ("GET", "/users/{user_id}/erasure"): ADMINS,
    ("POST", "/users/{user_id}/photos"): SUPERVISORS,
    ("POST", "/incidents"): GUARDS,
    ("GET", "/incidents"): EVERYBODY,
    ("GET", "/incidents/{incident_id}"): EVERYBODY,
    ("PATCH", "/incidents/{incident_id}"): EVERYBODY,
    ("GET", "/incidents/{incident_id}/evidence/{sha256}"): EVERYBODY,
    ("POST", "/notify"): GUARDS,
    ("GET", "/notify/{subject_id}"): GUARDS,
    ("POST", "/blockchain/log"): GUARDS,
    ("GET", "/blockchain/log/{record_id}"): EVERYBODY,
    ("GET", "/blockchain/log/{record_id}/proof"): EVERYBODY,
    ("GET", "/cameras"): GUARDS,
    ("GET", "/cameras/{camera}/snapshot.jpg"): GUARDS,
    ("GET", "/cameras/{camera}/live"): GUARDS,
    ("GET", "/cameras/{camera}/tracks"): GUARDS,
    ("GET", "/cameras/{camera}/zones"): GUARDS,
    ("PUT", "/cameras/{camera}/zones"): SUPERVISORS,
    ("GET", "/accounts"): ADMINS,
    ("POST", "/accounts"): ADMINS,
    ("POST", "/tokens"): ADMINS,
    ("GET", "/session"): EVERYBODY,
    ("GET", "/status"): EVERYBODY,
    ("GET", "/events"): EVERYBODY,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    # Pages
    ("GET", "/login"): PUBLIC,
    ("POST", "/login"): PUBLIC,
    ("POST", "/logout"): PUBLIC,
    ("GET", "/first"): PUBLIC,
    ("POST", "/first"): PUBLIC,
    ("GET", "/"): EVERYBODY,
    ("GET", "/ui/live"): GUARDS,
    ("GET", "/ui/incidents"): EVERYBODY,
    ("GET", "/ui/incidents/{incident_id}"): EVERYBODY,
    ("GET", "/ui/incidents/{incident_id}/card"): EVERYBODY,
    ("GET", "/ui/people"): GUARDS,
    ("GET", "/ui/people/new"): SUPERVISORS,
    ("GET", "/ui/people/{user_id}"): GUARDS,
    ("GET", "/ui/cameras/{camera}/zones"): SUPERVISORS,
    ("GET", "/ui/accounts"): ADMINS,
}


def services_of(request: Request) -> Services:
    """The Services the app was built with."""
    return request.app.state.services


def _same_origin(request: Request) -> bool | None:
    """Whether the browser says that one of our own pages sent this; None when it is no browser speaking."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return None if origin is None else urlsplit(origin).netloc == request.headers.get("host", "")


async def _identity(request: Request) -> Identity | None:
    """Who asks, by bearer token or by session cookie. Raises Problem 401 for a token that is none."""
    accounts = services_of(request).store.accounts
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        found = await run_in_threadpool(accounts.by_token, token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise unauthorised("the token in Authorization is not one of this box", code="bad_token")
        return found
    session = request.cookies.get(COOKIE)
    return await run_in_threadpool(accounts.by_session, session) if session else None


def unauthorised(detail: str, *, code: str = "not_logged_in") -> Problem:
    """401, with the header HTTP asks for."""
    return Problem(401, code, detail, hint="log in at /login, or send Authorization: Bearer TOKEN",
                   headers={"WWW-Authenticate": 'Bearer realm="sentrybox"'})


async def authorise(request: Request, allowed: frozenset[Role]) -> Identity | None:
    """Let the request pass, or raise Problem 401 or 403. None only on public routes."""
    by_cookie = "authorization" not in request.headers and COOKIE in request.cookies
    if request.method not in SAFE:
        same = _same_origin(request)
        # With a cookie the browser must vouch for the sender; a form that comes from elsewhere is refused in any case.
        if same is False or (by_cookie and same is None):
            raise Problem(403, "cross_site", "this request was not sent by a page of this box",
                          hint="use the box's own pages, or a bearer token in place of the cookie")
    if allowed is PUBLIC:
        return None
    who = await _identity(request)
    if who is None:
        raise unauthorised("this needs somebody who is logged in")
    if who.role not in allowed:
        raise Problem(403, "wrong_role", f"role {who.role} may not do this; it takes {' or '.join(sorted(allowed))}")
    return who


async def still_allowed(request: Request) -> bool:
    """Whether the sender of a long answer is still who they were: asked now and then while it lasts."""
    try:
        who = await _identity(request)
    except Problem:
        return False
    return who is not None and who.role == request.state.who.role


class GuardedRoute(APIRoute):
    """A route that asks RULES before it reads a byte of the body. KeyError at build time for a route without a rule."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        rules = {method: RULES[method, self.path_format] for method in self.methods}
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            request.state.who = await authorise(request, rules[request.method])
            return await inner(request)

        return handler


def new_router(tag: str) -> APIRouter:
    """A router whose routes are all guarded."""
    return APIRouter(route_class=GuardedRoute, tags=[tag])


async def _services(request: Request) -> Services:
    return services_of(request)


async def _who(request: Request) -> Identity:
    return request.state.who


Box = Annotated[Services, Depends(_services)]
"""The parameter type with which an endpoint asks for the Services."""
Who = Annotated[Identity, Depends(_who)]
"""The parameter type with which an endpoint asks who is asking."""
