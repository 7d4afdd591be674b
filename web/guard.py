"""The guard of routes: who may do what. One table of rules per app; a route without a line in it cannot be built.

The app keeps on its state: `rules` (Rules) and `authority` (Authenticator).
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar, NamedTuple
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from contract.identity import Identity, Role
from web.problems import Problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

PUBLIC: frozenset[Role] = frozenset()
EVERYBODY: frozenset[Role] = frozenset({"guard", "supervisor", "admin", "police"})
GUARDS: frozenset[Role] = frozenset({"guard", "supervisor", "admin"})
SUPERVISORS: frozenset[Role] = frozenset({"supervisor", "admin"})
ADMINS: frozenset[Role] = frozenset({"admin"})
POLICE: frozenset[Role] = frozenset({"police"})

Rules = dict[tuple[str, str], frozenset[Role]]
"""(method, path as the route spells it) -> the roles that may; PUBLIC: anybody."""


def access_rules(here: frozenset[Role]) -> Rules:
    """Return the rules of accounts, sessions and tokens, the same in every app; `here`: the roles an app knows."""
    return {
        ("GET", "/session"): here,
        ("POST", "/session/password"): here,
        ("GET", "/sessions"): here,
        # Only an admin may end those of others: accounts.end_session sees to it.
        ("DELETE", "/sessions/{session_id}"): here,
        ("GET", "/accounts"): ADMINS,
        ("POST", "/accounts"): ADMINS,
        ("PATCH", "/accounts/{name}"): ADMINS,
        ("DELETE", "/accounts/{name}"): ADMINS,
        ("POST", "/accounts/{name}/reset"): ADMINS,
        ("GET", "/accounts/{name}/sessions"): ADMINS,
        ("POST", "/tokens"): ADMINS,
        ("DELETE", "/tokens/{name}"): ADMINS,
        # Pages. The secret in the address of /first and /reset is the permission.
        ("GET", "/login"): PUBLIC,
        ("POST", "/login"): PUBLIC,
        ("POST", "/logout"): PUBLIC,
        ("GET", "/first"): PUBLIC,
        ("POST", "/first"): PUBLIC,
        ("GET", "/reset"): PUBLIC,
        ("POST", "/reset"): PUBLIC,
        ("GET", "/ui/account"): here,
        ("POST", "/ui/account"): here,
        ("GET", "/ui/accounts"): ADMINS,
        ("POST", "/ui/accounts"): ADMINS,
        ("GET", "/ui/accounts/{name}"): ADMINS,
        ("POST", "/ui/accounts/{name}"): ADMINS,
    }


class Authenticator(NamedTuple):
    """The means by which an app knows people: the name of its session cookie, and whose a token or a session is (None:
    nobody's).

    Cookies are not kept apart by port, so two apps on one host need two names.
    """

    cookie: str
    by_token: Callable[[str], Identity | None]
    by_session: Callable[[str], Identity | None]


def same_origin(request: Request) -> bool | None:
    """Return whether the browser says that one of our own pages sent this; None when it is no browser speaking."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return None if origin is None else urlsplit(origin).netloc == request.headers.get("host", "")


def unauthorised(detail: str, *, code: str = "not_logged_in") -> Problem:
    """Return a 401 with the header HTTP asks for."""
    return Problem(401, code, detail, hint="log in at /login, or send Authorization: Bearer TOKEN",
                   headers={"WWW-Authenticate": 'Bearer realm="sentrybox"'})


async def identity(request: Request) -> Identity | None:
    """Return who asks, by bearer token or by session cookie. Raises Problem 401 for a token that is none."""
    authority: Authenticator = request.app.state.authority
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        found = await run_in_threadpool(authority.by_token, token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise unauthorised("the token in Authorization is not one of ours", code="bad_token")
        return found
    session = request.cookies.get(authority.cookie)
    return await run_in_threadpool(authority.by_session, session) if session else None


async def authorise(request: Request, allowed: frozenset[Role]) -> Identity | None:
    """Let the request pass, or raise Problem 401 or 403. None only on public routes."""
    by_cookie = "authorization" not in request.headers and request.app.state.authority.cookie in request.cookies
    if request.method not in SAFE:
        same = same_origin(request)
        # With a cookie the browser must vouch for the sender; a form that comes from elsewhere is refused in any case.
        if same is False or (by_cookie and same is None):
            raise Problem(403, "cross_site", "this request was not sent by a page of this server",
                          hint="use the server's own pages, or a bearer token in place of the cookie")
    if not allowed:
        return None
    who = await identity(request)
    if who is None:
        raise unauthorised("this needs somebody who is logged in")
    if who.role not in allowed:
        raise Problem(403, "wrong_role", f"role {who.role} may not do this; it takes {' or '.join(sorted(allowed))}")
    return who


class GuardedRoute(APIRoute):
    """Asks `rules` before it reads a byte of the body. KeyError at build time for a route without a rule."""

    rules: ClassVar[Rules]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        mine = {method: self.rules[method, self.path_format] for method in self.methods or ()}
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            request.state.who = await authorise(request, mine[request.method])
            return await inner(request)

        return handler


class PageRoute(GuardedRoute):
    """Sends who is not logged in to the log-in page and back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except Problem as error:
                if error.status != 401 or request.method != "GET":
                    raise
                target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse(f"/login?next={quote(target)}", 303)

        return handler


def guarded(rules: Rules) -> type[GuardedRoute]:
    """Return the route class of one app."""
    return type("GuardedRoute", (GuardedRoute,), {"rules": rules})


def guarded_page(rules: Rules) -> type[APIRoute]:
    """See guarded(); this one sends who is not logged in to the log-in page and back."""
    return type("PageRoute", (PageRoute,), {"rules": rules})


def new_router(rules: Rules, tag: str) -> APIRouter:
    """Return a router whose routes are all guarded."""
    return APIRouter(route_class=guarded(rules), tags=[tag])


async def _who(request: Request) -> Identity:
    who: Identity = request.state.who
    return who


Who = Annotated[Identity, Depends(_who)]
"""The parameter type with which an endpoint asks who is asking."""
