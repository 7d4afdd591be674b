"""Accounts of people, their sessions, tokens of programs, and who is logged in."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from access.accounts import Accounts
from access.credentials import LINK_S
from access.names import LONGEST_NAME, canonical
from access.passwords import LONGEST_PASSWORD, NO_PASSWORD, SHORTEST_PASSWORD
from access.storage import Credential
from contract.errors import Conflict
from contract.identity import Role
from contract.moments import Instant, from_epoch
from web.guard import Authenticator, Rules, Who, new_router
from web.problems import Problem
from web.sign_in import hashing

AccountName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\w.@+ -]{1,64}$")]
KnownName = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME)]
NewPassword = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]


class NewAccount(BaseModel):
    """A name is taken in whatever case; the password must not be easy to guess."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: AccountName
    password: NewPassword
    role: Role


class NewRole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Role


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: AccountName
    role: Role


class TokenMade(BaseModel):
    """`token` is shown this once; only its hash is kept."""

    name: str
    role: Role
    token: str


class PasswordChange(BaseModel):
    """The password one has, and the one to have."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    old: Annotated[str, Field(max_length=LONGEST_PASSWORD)]
    new: NewPassword


class Reset(BaseModel):
    """`link` is shown this once: whoever opens it before `expires_at` chooses the account's new password."""

    name: str
    link: str
    expires_at: Instant


class AccountLine(BaseModel):
    """`awaits_password`: the account was reset and its link not used yet, so nobody can log in with it."""

    kind: Literal["account", "token"]
    name: str
    role: Role
    created_at: Instant
    awaits_password: bool = False


class AccountList(BaseModel):
    items: list[AccountLine]


class SessionView(BaseModel):
    name: str
    role: Role


class SessionLine(BaseModel):
    """`agent`: the browser, as it names itself; `current`: the session that asks."""

    id: str
    created_at: Instant
    expires_at: Instant
    agent: str
    current: bool


class SessionList(BaseModel):
    items: list[SessionLine]


async def accounts_of(request: Request) -> Accounts:
    """Return the accounts of the app: its state has them as `accounts`."""
    accounts: Accounts = request.app.state.accounts
    return accounts


Here = Annotated[Accounts, Depends(accounts_of)]
"""The parameter type with which an endpoint asks for the accounts."""


def own_session(request: Request) -> str:
    """Return the secret of the session that asks. Raises Conflict for a token, which has neither password nor sessions.
    """
    authority: Authenticator = request.app.state.authority
    session = request.cookies.get(authority.cookie)
    if session is None or "authorization" in request.headers:
        raise Conflict("a token has no password and no sessions", hint="log in at /login with an account")
    return session


def check_role(role: Role, roles: tuple[Role, ...]) -> None:
    """Raise Problem 422 for a role that this app's accounts do not have."""
    if role not in roles:
        raise Problem(422, "invalid", f"role: there is no {role} here, only {' and '.join(roles)}")


def lines_of(accounts: Accounts) -> list[AccountLine]:
    """Return accounts, then tokens, without their secrets."""
    people = [AccountLine(kind="account", name=one.name, role=one.role, created_at=from_epoch(one.created_at),
                          awaits_password=one.password == NO_PASSWORD) for one in accounts.listing()]
    programs = [AccountLine(kind="token", name=one.name, role=one.role, created_at=from_epoch(one.created_at))
                for one in sorted(accounts.tokens(), key=lambda one: (canonical(one.name), one.created_at))]
    return people + programs


def session_line(session: Credential, current: bool = False) -> SessionLine:
    """Return what a list shows of a session."""
    return SessionLine(id=session.id, created_at=from_epoch(session.created_at), agent=session.agent, current=current,
                       expires_at=from_epoch(session.expires_at or session.created_at))


def reset_link(request: Request, accounts: Accounts, name: str, by: str) -> Reset:
    """Reset an account; return the link for it, below the address this request came to."""
    secret = accounts.reset(name, by)
    return Reset(name=name, link=f"{str(request.base_url).rstrip('/')}/reset?secret={secret}",
                 expires_at=from_epoch(time.time() + LINK_S))


def accounts_router(rules: Rules, roles: tuple[Role, ...]) -> APIRouter:
    """Return /session, /sessions, /accounts and /tokens of one app whose accounts have these roles."""
    router = new_router(rules, "accounts")

    @router.get("/session")
    async def session(who: Who) -> SessionView:
        """Return who this session or token belongs to."""
        return SessionView(name=who.name, role=who.role)

    @router.post("/session/password", status_code=204, response_class=Response)
    async def change_password(body: PasswordChange, request: Request, accounts: Here) -> Response:
        """Change one's own password; one's other sessions end. 409 for a token, which has none."""
        await hashing(request, accounts.change_password, own_session(request), body.old, body.new)
        return Response(status_code=204)

    @router.get("/sessions")
    def own_sessions(request: Request, accounts: Here) -> SessionList:
        """Return one's own sessions. 409 for a token, which has none."""
        mine = accounts.own_sessions(own_session(request))
        return SessionList(items=[session_line(one, current) for one, current in mine])

    @router.delete("/sessions/{session_id}", status_code=204, response_class=Response)
    def end_session(session_id: Annotated[str, Path(max_length=64)], request: Request, accounts: Here, who: Who
                    ) -> Response:
        """End a session from its next request on: one's own; an admin anybody's."""
        if who.role != "admin":
            own_session(request)
        accounts.end_session(session_id, who)
        return Response(status_code=204)

    @router.get("/accounts")
    def listing(accounts: Here) -> AccountList:
        """Accounts and tokens, without their secrets."""
        return AccountList(items=lines_of(accounts))

    @router.post("/accounts", status_code=201)
    async def create(body: NewAccount, request: Request, accounts: Here, who: Who) -> SessionView:
        """Make a new password account. 409 for a name that is taken."""
        check_role(body.role, roles)
        await hashing(request, accounts.create, body.name, body.password, body.role, who.name)
        return SessionView(name=body.name, role=body.role)

    @router.patch("/accounts/{name}", status_code=204, response_class=Response)
    def change_role(name: KnownName, body: NewRole, accounts: Here, who: Who) -> Response:
        """Give an account another role, from its next request on. 409 for the last admin."""
        check_role(body.role, roles)
        accounts.change_role(name, body.role, who.name)
        return Response(status_code=204)

    @router.delete("/accounts/{name}", status_code=204, response_class=Response)
    def end_account(name: KnownName, accounts: Here, who: Who) -> Response:
        """End an account and its sessions, from their next request on; live pictures and events stop within a second.
        409 for the last admin."""
        accounts.end(name, who.name)
        return Response(status_code=204)

    @router.post("/accounts/{name}/reset", status_code=201)
    def reset(name: KnownName, request: Request, accounts: Here, who: Who) -> Reset:
        """End an account's password and sessions; the answer's link, good once and for a day, gives it a new password.
        """
        return reset_link(request, accounts, name, who.name)

    @router.get("/accounts/{name}/sessions")
    def sessions(name: KnownName, accounts: Here) -> SessionList:
        """Return the sessions of an account."""
        return SessionList(items=[session_line(one) for one in accounts.sessions(name)])

    @router.post("/tokens", status_code=201)
    def new_token(body: NewToken, accounts: Here, who: Who) -> TokenMade:
        """Make a new bearer token for a program."""
        check_role(body.role, roles)
        return TokenMade(name=body.name, role=body.role, token=accounts.new_token(body.name, body.role, who.name))

    @router.delete("/tokens/{name}", status_code=204, response_class=Response)
    def end_token(name: KnownName, accounts: Here, who: Who) -> Response:
        """End the tokens of this name, from their next request on."""
        accounts.revoke_tokens(name, who.name)
        return Response(status_code=204)

    return router
