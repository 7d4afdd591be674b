"""Accounts of people, tokens of programs, and who is logged in."""

from typing import Annotated, Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database.accounts import MIN_PASSWORD
from contract.identity import Role
from contract.moments import Instant
from web.guard import Who, new_router

router = new_router(RULES, "accounts")

AccountName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\w.@+ -]{1,64}$")]


class NewAccount(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: AccountName
    password: Annotated[str, Field(min_length=MIN_PASSWORD, max_length=200)]
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


@router.get("/session")
async def session(who: Who) -> Session:
    """Who this session or token belongs to."""
    return Session(name=who.name, role=who.role)


@router.get("/accounts")
def listing(cloud: Cloud) -> AccountList:
    """Accounts and tokens, without their secrets."""
    return AccountList(items=[Line(**line) for line in cloud.accounts.list()])


@router.post("/accounts", status_code=201)
async def create(body: NewAccount, request: Request, cloud: Cloud, who: Who) -> Session:
    """A new password account. 409 for a name that is taken."""
    await hashing(request, cloud.accounts.create, body.name, body.password, body.role, who.name)
    return Session(name=body.name, role=body.role)


@router.post("/tokens", status_code=201)
def new_token(body: NewToken, cloud: Cloud, who: Who) -> TokenMade:
    """A new bearer token for a program."""
    return TokenMade(name=body.name, role=body.role, token=cloud.accounts.new_token(body.name, body.role, who.name))


@router.delete("/tokens/{name}", status_code=204, response_class=Response)
def end_token(name: AccountName, cloud: Cloud, who: Who) -> Response:
    """End the tokens of this name."""
    cloud.accounts.revoke_tokens(name, who.name)
    return Response(status_code=204)


async def hashing(request: Request, work: Any, *args: Any) -> Any:
    """Run something that hashes a password: one at a time, for each takes 19 MiB and the better part of a core."""
    async with request.app.state.hashing:
        return await run_in_threadpool(work, *args)
