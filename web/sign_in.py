"""Logging in and out, and the first account by its one-time link. Plain forms: they work without a script."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable
from contract.identity import Identity
from web.guard import Authority, Rules, new_router
from web.templates import Pages


class Door(Protocol):
    """What a site's accounts do here; the app's state has them as `accounts`."""

    def any(self) -> bool: ...
    def log_in(self, name: str, password: str) -> str: ...
    def log_out(self, session_secret: str) -> None: ...
    def create_first(self, secret: str, name: str, password: str) -> Identity: ...


class Terms(NamedTuple):
    """The fewest characters of a password, and the seconds a session lasts."""

    min_password: int
    session_s: int


async def hashing(request: Request, work: Callable[..., Any], *args: Any) -> Any:
    """Run something that hashes a password: one at a time, for each takes 19 MiB and the better part of a core.

    The app's state has the semaphore as `hashing`.
    """
    async with request.app.state.hashing:
        return await run_in_threadpool(work, *args)


def sign_in_router(rules: Rules, pages: Pages, terms: Terms) -> APIRouter:
    """/login, /logout and /first of one app."""
    router = new_router(rules, "pages")

    @router.get("/login", response_class=HTMLResponse, include_in_schema=False)
    async def login_page(request: Request, next: str = "/") -> Response:
        """The form."""
        any_account = await run_in_threadpool(_door(request).any)
        return pages.page(request, "login.html", target=_inside(next), name="", error="", any_account=any_account)

    @router.post("/login", response_class=HTMLResponse, include_in_schema=False)
    async def login(request: Request) -> Response:
        """Start a session; the form again, with what was wrong, when name or password do not fit."""
        form = await read_fields(request)
        name, target = form.get("name", "").strip(), _inside(form.get("next", "/"))
        try:
            session = await hashing(request, _door(request).log_in, name, form.get("password", ""))
        except (Rejected, NotFound, Unavailable) as error:
            status = 429 if isinstance(error, Unavailable) else 401
            return pages.page(request, "login.html", status, target=target, name=name, error=sentence(error),
                              any_account=True)
        return _with_session(request, target, session, terms)

    @router.post("/logout", response_class=HTMLResponse, include_in_schema=False)
    async def logout(request: Request) -> Response:
        """End the session, here and in the store."""
        session = request.cookies.get(_cookie(request))
        if session:
            await run_in_threadpool(_door(request).log_out, session)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(_cookie(request), path="/", httponly=True, samesite="strict")
        return answer

    @router.get("/first", response_class=HTMLResponse, include_in_schema=False)
    async def first_page(request: Request, secret: str = "") -> Response:
        """The form for the first account. The secret is looked at when the form is sent."""
        return pages.page(request, "first.html", secret=secret, name="", error="", field="",
                          minimum=terms.min_password)

    @router.post("/first", response_class=HTMLResponse, include_in_schema=False)
    async def first(request: Request) -> Response:
        """Make the first account, an admin, and log it in."""
        form = await read_fields(request)
        name, password, secret = form.get("name", "").strip(), form.get("password", ""), form.get("secret", "")
        field, error = _check(name, password, form.get("again", ""), terms)
        if not error:
            try:
                await hashing(request, _door(request).create_first, secret, name, password)
                session = await hashing(request, _door(request).log_in, name, password)
                return _with_session(request, "/", session, terms)
            except (Rejected, NotFound, Conflict) as refusal:
                field, error = "form", sentence(refusal)
        return pages.page(request, "first.html", 422, secret=secret, name=name, error=error, field=field,
                          minimum=terms.min_password)

    return router


def sentence(error: SentryboxError) -> str:
    """An error as a page says it."""
    text = f"{error.detail}: {error.hint}" if error.hint else error.detail
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a small form."""
    async with request.form(max_files=0, max_fields=8) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


def _door(request: Request) -> Door:
    door: Door = request.app.state.accounts
    return door


def _cookie(request: Request) -> str:
    authority: Authority = request.app.state.authority
    return authority.cookie


def _check(name: str, password: str, again: str, terms: Terms) -> tuple[str, str]:
    """(field, what is wrong with it), both empty when all is well."""
    if not name or len(name) > 64:
        return "name", "Choose a name of 1 to 64 characters."
    if len(password) < terms.min_password:
        return "password", f"A password needs at least {terms.min_password} characters."
    if password != again:
        return "again", "The two passwords differ."
    return "", ""


def _with_session(request: Request, target: str, session: str, terms: Terms) -> Response:
    answer = RedirectResponse(target, 303)
    answer.set_cookie(_cookie(request), session, max_age=terms.session_s, path="/", httponly=True,
                      samesite="strict", secure=request.url.scheme == "https")
    return answer


def _inside(target: str) -> str:
    """Only a path of this server: `//elsewhere` and `/\\elsewhere` are other hosts to a browser."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not parts.netloc and not parts.scheme and "\\" not in target
    return target if inside and target.isprintable() else "/"
