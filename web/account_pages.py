"""The pages of accounts: one's own, and for admins everybody's. Plain forms: they work without a script."""

from collections.abc import Callable
from typing import cast
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from access.accounts import Accounts
from access.passwords import NO_PASSWORD, SHORTEST_PASSWORD
from contract.errors import Conflict, NotFound, Rejected, SentryboxError
from contract.identity import Identity, Role
from web.accounts import (
    Here,
    KnownName,
    NewAccount,
    NewToken,
    check_role,
    lines_of,
    own_session,
    reset_link,
    session_line,
)
from web.enrol_form import checked
from web.guard import Who
from web.problems import Problem, status_for
from web.sign_in import Page, check_new, hashing, read_fields, sentence

Act = Callable[[Request, Accounts, Identity, dict[str, str]], str]
"""What a button does: (request, accounts, who pressed it, the form) -> what the page has to show once, mostly ""."""


def account_pages(route: type[APIRoute], page: Page, roles: tuple[Role, ...], *, trail: bool = True) -> APIRouter:
    """Return /ui/account and /ui/accounts of one app whose accounts have these roles; `route` guards its pages.
    `trail`: the app has a page /ui/trail of who did what."""
    router = APIRouter(route_class=route, tags=["pages"], include_in_schema=False, default_response_class=HTMLResponse)

    def own_page(request: Request, accounts: Accounts, error: str = "", status: int = 200) -> Response:
        try:
            sessions = [session_line(*one) for one in accounts.own_sessions(own_session(request))]
        except Conflict:
            sessions = None
        return page(request, "own_account.html", status, sessions=sessions, error=error,
                    minimum=SHORTEST_PASSWORD)

    def all_page(request: Request, accounts: Accounts, error: str = "", status: int = 200, shown: str = "") -> Response:
        return page(request, "accounts.html", status, accounts=lines_of(accounts), roles=roles, error=error,
                    shown=shown, trail_page=trail, minimum=SHORTEST_PASSWORD)

    def one_page(request: Request, accounts: Accounts, name: str, error: str = "", status: int = 200, shown: str = ""
                 ) -> Response:
        try:
            account, sessions = accounts.get(name), accounts.sessions(name)
        except NotFound as gone:
            return page(request, "problem.html", 404, detail=gone.detail, hint=gone.hint)
        return page(request, "one_account.html", status, account=account, roles=roles, error=error, shown=shown,
                    sessions=[session_line(one) for one in sessions], waits=account.password == NO_PASSWORD)

    @router.get("/ui/account")
    def own(request: Request, accounts: Here) -> Response:
        return own_page(request, accounts)

    @router.post("/ui/account")
    async def change_own(request: Request, accounts: Here, who: Who) -> Response:
        """Do what a button of one's own page asks for."""
        _, error, status = await _do(request, accounts, who, {"password": _change_password, "end": _end_session})
        if error:
            return await run_in_threadpool(own_page, request, accounts, error, status)
        return RedirectResponse("/ui/account", 303)

    @router.get("/ui/accounts")
    def everybody(request: Request, accounts: Here) -> Response:
        return all_page(request, accounts)

    @router.post("/ui/accounts")
    async def change_accounts(request: Request, accounts: Here, who: Who) -> Response:
        """Do what a button of the list asks for: a new account, a new token (shown this once), the end of a token."""
        acts: dict[str, Act] = {"account": _new_account(roles), "token": _new_token(roles), "revoke": _revoke}
        shown, error, status = await _do(request, accounts, who, acts)
        if error or shown:
            return await run_in_threadpool(all_page, request, accounts, error, status, shown)
        return RedirectResponse("/ui/accounts", 303)

    @router.get("/ui/accounts/{name}")
    def one(request: Request, name: KnownName, accounts: Here) -> Response:
        return one_page(request, accounts, name)

    @router.post("/ui/accounts/{name}")
    async def change_one(request: Request, name: KnownName, accounts: Here, who: Who) -> Response:
        """Do what a button of one account asks for: role, reset (its link is shown this once), ending it or a session.
        """
        acts: dict[str, Act] = {"role": _change_role(name, roles), "reset": _reset(name), "account": _end_account(name),
                                "end": _end_session}
        shown, error, status = await _do(request, accounts, who, acts)
        if error or shown:
            return await run_in_threadpool(one_page, request, accounts, name, error, status, shown)
        ended = (await read_fields(request)).get("do") == "account"
        return RedirectResponse("/ui/accounts" if ended else f"/ui/accounts/{quote(name)}", 303)

    return router


async def _do(request: Request, accounts: Accounts, who: Identity, acts: dict[str, Act]) -> tuple[str, str, int]:
    """(what to show once, what was wrong, status) of the button that was pressed."""
    form = await read_fields(request)
    act = acts.get(form.get("do", ""))
    if act is None:
        return "", "There is no such button.", 422
    try:
        return await hashing(request, act, request, accounts, who, form), "", 200
    except Problem as error:
        return "", error.detail, error.status
    except SentryboxError as error:
        return "", sentence(error), status_for(error)


def _change_password(request: Request, accounts: Accounts, _who: Identity, form: dict[str, str]) -> str:
    new = form.get("password", "")
    _field, wrong = check_new(new, form.get("again", ""))
    if wrong:
        raise Rejected(wrong)
    accounts.change_password(own_session(request), form.get("old", ""), new)
    return ""


def _end_session(_request: Request, accounts: Accounts, who: Identity, form: dict[str, str]) -> str:
    accounts.end_session(form.get("session", ""), who)
    return ""


def _revoke(_request: Request, accounts: Accounts, who: Identity, form: dict[str, str]) -> str:
    accounts.revoke_tokens(form.get("name", ""), who.name)
    return ""


def _new_account(roles: tuple[Role, ...]) -> Act:
    def act(_request: Request, accounts: Accounts, who: Identity, form: dict[str, str]) -> str:
        wanted = checked(NewAccount, {key: form.get(key, "") for key in ("name", "role", "password")})
        check_role(wanted.role, roles)
        accounts.create(wanted.name, wanted.password, wanted.role, who.name)
        return ""

    return act


def _new_token(roles: tuple[Role, ...]) -> Act:
    def act(_request: Request, accounts: Accounts, who: Identity, form: dict[str, str]) -> str:
        wanted = checked(NewToken, {key: form.get(key, "") for key in ("name", "role")})
        check_role(wanted.role, roles)
        return accounts.new_token(wanted.name, wanted.role, who.name)

    return act


def _change_role(name: str, roles: tuple[Role, ...]) -> Act:
    def act(_request: Request, accounts: Accounts, who: Identity, form: dict[str, str]) -> str:
        role = cast(Role, form.get("role", ""))
        check_role(role, roles)
        accounts.change_role(name, role, who.name)
        return ""

    return act


def _reset(name: str) -> Act:
    def act(request: Request, accounts: Accounts, who: Identity, _form: dict[str, str]) -> str:
        return reset_link(request, accounts, name, who.name).link

    return act


def _end_account(name: str) -> Act:
    def act(_request: Request, accounts: Accounts, who: Identity, _form: dict[str, str]) -> str:
        accounts.end(name, who.name)
        return ""

    return act
