"""Accounts of people, tokens of programs, and who is logged in."""

from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from appliance.api.auth import Box, new_router
from contract.identity import Role
from web.guard import Who

router = new_router("accounts")

AccountName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\w.@+ -]{1,64}$")]
MIN_PASSWORD = 10
Password = Annotated[str, Field(min_length=MIN_PASSWORD, max_length=256)]


class NewAccount(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: AccountName
    password: Password
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


class AccountList(BaseModel):
    items: list[dict[str, Any]]


class Session(BaseModel):
    name: str
    role: Role


@router.get("/session")
async def session(who: Who) -> Session:
    """Who this session or token belongs to."""
    return Session(name=who.name, role=who.role)


@router.get("/accounts")
def listing(box: Box) -> AccountList:
    """Accounts and tokens, without their secrets."""
    return AccountList(items=box.store.accounts.list())


@router.post("/accounts", status_code=201)
async def create(body: NewAccount, request: Request, box: Box) -> Session:
    """A new password account. Raises 409 for a name that is taken."""
    await hashing(request, box.store.accounts.create, body.name, body.password, body.role)
    return Session(name=body.name, role=body.role)


@router.post("/tokens", status_code=201)
def new_token(body: NewToken, box: Box) -> TokenMade:
    """A new bearer token for a program."""
    return TokenMade(name=body.name, role=body.role, token=box.store.accounts.new_token(body.name, body.role))


async def hashing(request: Request, work: Any, *args: Any) -> Any:
    """Run something that hashes a password: one at a time, for each takes 19 MiB and the better part of a core."""
    async with request.app.state.hashing:
        return await run_in_threadpool(work, *args)
