"""Accounts of people, tokens of programs, and who is logged in."""

from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contract.identity import Role
from contract.moments import Instant
from web.guard import Rules, Who, new_router
from web.problems import Problem
from web.sign_in import hashing

AccountName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\w.@+ -]{1,64}$")]


class Keeper(Protocol):
    """What a site's accounts do here; the app's state has them as `accounts`."""

    def list(self) -> list[dict[str, Any]]: ...
    def create(self, name: str, password: str, role: Role, by: str) -> None: ...
    def new_token(self, name: str, role: Role, by: str) -> str: ...
    def revoke_tokens(self, name: str, by: str) -> None: ...


class NewAccount(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: AccountName
    password: Annotated[str, Field(max_length=200)]
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


class Line(BaseModel):
    kind: Literal["account", "token"]
    name: str
    role: Role
    created_at: Instant


class AccountList(BaseModel):
    items: list[Line]


class Session(BaseModel):
    name: str
    role: Role


async def _keeper(request: Request) -> Keeper:
    keeper: Keeper = request.app.state.accounts
    return keeper


Accounts = Annotated[Keeper, Depends(_keeper)]


def check_role(role: Role, roles: tuple[Role, ...]) -> None:
    """Raises Problem 422 for a role that this app's accounts do not have."""
    if role not in roles:
        raise Problem(422, "invalid", f"role: there is no {role} here, only {' and '.join(roles)}")


def accounts_router(rules: Rules, roles: tuple[Role, ...]) -> APIRouter:
    """/session, /accounts and /tokens of one app whose accounts have these roles."""
    router = new_router(rules, "accounts")

    @router.get("/session")
    async def session(who: Who) -> Session:
        """Who this session or token belongs to."""
        return Session(name=who.name, role=who.role)

    @router.get("/accounts")
    def listing(accounts: Accounts) -> AccountList:
        """Accounts and tokens, without their secrets."""
        return AccountList(items=[Line(**line) for line in accounts.list()])

    @router.post("/accounts", status_code=201)
    async def create(body: NewAccount, request: Request, accounts: Accounts, who: Who) -> Session:
        """A new password account. 409 for a name that is taken."""
        check_role(body.role, roles)
        await hashing(request, accounts.create, body.name, body.password, body.role, who.name)
        return Session(name=body.name, role=body.role)

    @router.post("/tokens", status_code=201)
    def new_token(body: NewToken, accounts: Accounts, who: Who) -> TokenMade:
        """A new bearer token for a program."""
        check_role(body.role, roles)
        return TokenMade(name=body.name, role=body.role, token=accounts.new_token(body.name, body.role, who.name))

    @router.delete("/tokens/{name}", status_code=204, response_class=Response)
    def end_token(name: AccountName, accounts: Accounts, who: Who) -> Response:
        """End the tokens of this name."""
        accounts.revoke_tokens(name, who.name)
        return Response(status_code=204)

    return router
