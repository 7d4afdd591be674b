"""Logging in and out, and a password by a one-time link. Plain forms: they work without a script."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from access.accounts import Accounts
from access.credentials import SESSION_S
from access.passwords import SHORTEST_PASSWORD
from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable
from contract.identity import Identity
from web.guard import Authenticator, Rules, new_router

Page = Callable[..., Response]
"""page(request, template, status, /, **values): the template, filled in."""


async def hashing(request: Request, work: Callable[..., Any], *args: Any) -> Any:
    """Run something that hashes a password: one at a time, for each takes 19 MiB and the better part of a core.

    The app's state has the semaphore as `hashing`.
    """
    async with request.app.state.hashing:
        return await run_in_threadpool(work, *args)


def sign_in_router(rules: Rules, page: Page) -> APIRouter:
    """Return /login, /logout, /first and /reset of one app."""
    router = new_router(rules, "pages")

    @router.get("/login", response_class=HTMLResponse, include_in_schema=False)
    async def login_page(request: Request, next: str = "/") -> Response:
        """Return the form."""
        any_account = await run_in_threadpool(_accounts(request).any)
        return page(request, "login.html", 200, target=inside(next), name="", error="", any_account=any_account)

    @router.post("/login", response_class=HTMLResponse, include_in_schema=False)
    async def login(request: Request) -> Response:
        """Start a session; the form again, with what was wrong, when name or password do not fit."""
        form = await read_fields(request)
        name, target = form.get("name", "").strip(), inside(form.get("next", "/"))
        try:
            session = await hashing(request, _accounts(request).log_in, name, form.get("password", ""), agent(request))
        except (Rejected, NotFound, Unavailable) as error:
            status = 429 if isinstance(error, Unavailable) else 401
            return page(request, "login.html", status, target=target, name=name, error=sentence(error),
                        any_account=True)
        return _with_session(request, target, session)

    @router.post("/logout", response_class=HTMLResponse, include_in_schema=False)
    async def logout(request: Request) -> Response:
        """End the session, here and in the store."""
        session = request.cookies.get(_cookie(request))
        if session:
            await run_in_threadpool(_accounts(request).log_out, session)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(_cookie(request), path="/", httponly=True, samesite="strict")
        return answer

    @router.get("/first", response_class=HTMLResponse, include_in_schema=False)
    async def first_page(request: Request, secret: str = "") -> Response:
        """Return the form for the first account. The secret is looked at when the form is sent."""
        return page(request, "first.html", 200, secret=secret, name="", error="", field="", minimum=SHORTEST_PASSWORD)

    @router.post("/first", response_class=HTMLResponse, include_in_schema=False)
    async def first(request: Request) -> Response:
        """Make the first account, an admin, and log it in."""
        form = await read_fields(request)
        name, password, secret = form.get("name", "").strip(), form.get("password", ""), form.get("secret", "")
        field, error = ("", "") if 0 < len(name) <= 64 else ("name", "Choose a name of 1 to 64 characters.")
        field, error = (field, error) if error else check_new(password, form.get("again", ""))
        if not error:
            try:
                await hashing(request, _accounts(request).create_first, secret, name, password)
                return await _logged_in(request, name, password)
            except (Rejected, NotFound, Conflict) as refusal:
                field, error = "form", sentence(refusal)
        return page(request, "first.html", 422, secret=secret, name=name, error=error, field=field,
                    minimum=SHORTEST_PASSWORD)

    @router.get("/reset", response_class=HTMLResponse, include_in_schema=False)
    async def reset_page(request: Request, secret: str = "") -> Response:
        """Return the form for a new password. The secret is looked at when the form is sent."""
        return page(request, "reset.html", 200, secret=secret, error="", field="", minimum=SHORTEST_PASSWORD)

    @router.post("/reset", response_class=HTMLResponse, include_in_schema=False)
    async def reset(request: Request) -> Response:
        """Set the new password and log in with it."""
        form = await read_fields(request)
        password, secret = form.get("password", ""), form.get("secret", "")
        field, error = check_new(password, form.get("again", ""))
        if not error:
            try:
                whose: Identity = await hashing(request, _accounts(request).use_reset, secret, password)
                return await _logged_in(request, whose.name, password)
            except (Rejected, NotFound) as refusal:
                field, error = "form", sentence(refusal)
        return page(request, "reset.html", 422, secret=secret, error=error, field=field, minimum=SHORTEST_PASSWORD)

    return router


def agent(request: Request) -> str:
    """Return the browser as it names itself, without what cannot be printed."""
    return "".join(one for one in request.headers.get("user-agent", "") if one.isprintable())


def check_new(password: str, again: str) -> tuple[str, str]:
    """Return (field, what is wrong with it), both empty when all is well."""
    if len(password) < SHORTEST_PASSWORD:
        return "password", f"A password needs at least {SHORTEST_PASSWORD} characters."
    if password != again:
        return "again", "The two passwords differ."
    return "", ""


def sentence(error: SentryboxError) -> str:
    """Return an error as a page says it."""
    text = f"{error.detail}: {error.hint}" if error.hint else error.detail
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a small form."""
    async with request.form(max_files=0, max_fields=8) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


def inside(target: str) -> str:
    """Return the target if it is a path of this server, else `/`: `//elsewhere` and `/\\elsewhere` are other hosts to a
    browser."""
    parts = urlsplit(target)
    mine = target.startswith("/") and not target.startswith("//") and not parts.scheme and "\\" not in target
    return target if mine and target.isprintable() else "/"


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


def _cookie(request: Request) -> str:
    authority: Authenticator = request.app.state.authority
    return authority.cookie


async def _logged_in(request: Request, name: str, password: str) -> Response:
    session = await hashing(request, _accounts(request).log_in, name, password, agent(request))
    return _with_session(request, "/", session)


def _with_session(request: Request, target: str, session: str) -> Response:
    answer = RedirectResponse(target, 303)
    answer.set_cookie(_cookie(request), session, max_age=int(SESSION_S), path="/", httponly=True,
                      samesite="strict", secure=request.url.scheme == "https")
    return answer
