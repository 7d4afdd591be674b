"""Logging in and out, and the first account by its one-time link. Plain forms: they work without a script."""

from urllib.parse import urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cloud.admin.accounts import hashing
from cloud.admin.rules import COOKIE, RULES
from cloud.admin.services import Cloud
from cloud.admin.templates import page
from cloud.database.accounts import MIN_PASSWORD, SESSION_LIFE
from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable
from web.guard import new_router

router = new_router(RULES, "pages")


@router.get("/login", response_class=HTMLResponse, include_in_schema=False)
async def login_page(request: Request, cloud: Cloud, next: str = "/") -> Response:
    """The form."""
    any_account = await run_in_threadpool(cloud.accounts.any)
    return page(request, "login.html", target=_inside(next), name="", error="", any_account=any_account)


@router.post("/login", response_class=HTMLResponse, include_in_schema=False)
async def login(request: Request, cloud: Cloud) -> Response:
    """Start a session; the form again, with what was wrong, when name or password do not fit."""
    form = await _form(request)
    name, target = form.get("name", "").strip(), _inside(form.get("next", "/"))
    try:
        session = await hashing(request, cloud.accounts.log_in, name, form.get("password", ""))
    except (Rejected, NotFound, Unavailable) as error:
        status = 429 if isinstance(error, Unavailable) else 401
        return page(request, "login.html", status, target=target, name=name, error=_sentence(error), any_account=True)
    return _with_session(request, target, session)


@router.post("/logout", response_class=HTMLResponse, include_in_schema=False)
async def logout(request: Request, cloud: Cloud) -> Response:
    """End the session, here and in the store."""
    session = request.cookies.get(COOKIE)
    if session:
        await run_in_threadpool(cloud.accounts.log_out, session)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/first", response_class=HTMLResponse, include_in_schema=False)
async def first_page(request: Request, secret: str = "") -> Response:
    """The form for the first account. The secret is looked at when the form is sent."""
    return page(request, "first.html", secret=secret, name="", error="", field="", minimum=MIN_PASSWORD)


@router.post("/first", response_class=HTMLResponse, include_in_schema=False)
async def first(request: Request, cloud: Cloud) -> Response:
    """Make the first account, an admin, and log it in."""
    form = await _form(request)
    name, password, secret = form.get("name", "").strip(), form.get("password", ""), form.get("secret", "")
    field, error = _check(name, password, form.get("again", ""))
    if not error:
        try:
            await hashing(request, cloud.accounts.create_first, secret, name, password)
            return _with_session(request, "/", await hashing(request, cloud.accounts.log_in, name, password))
        except (Rejected, NotFound, Conflict) as refusal:
            field, error = "form", _sentence(refusal)
    return page(request, "first.html", 422, secret=secret, name=name, error=error, field=field,
                minimum=MIN_PASSWORD)


def _check(name: str, password: str, again: str) -> tuple[str, str]:
    """(field, what is wrong with it), both empty when all is well."""
    if not name or len(name) > 64:
        return "name", "Choose a name of 1 to 64 characters."
    if len(password) < MIN_PASSWORD:
        return "password", f"A password needs at least {MIN_PASSWORD} characters."
    if password != again:
        return "again", "The two passwords differ."
    return "", ""


def _sentence(error: SentryboxError) -> str:
    text = f"{error.detail}: {error.hint}" if error.hint else error.detail
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _with_session(request: Request, target: str, session: str) -> Response:
    answer = RedirectResponse(target, 303)
    answer.set_cookie(COOKIE, session, max_age=int(SESSION_LIFE.total_seconds()), path="/", httponly=True,
                      samesite="strict", secure=request.url.scheme == "https")
    return answer


def _inside(target: str) -> str:
    """Only a path of this server: `//elsewhere` and `/\\elsewhere` are other hosts to a browser."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not parts.netloc and not parts.scheme and "\\" not in target
    return target if inside and target.isprintable() else "/"


async def _form(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=8) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}
