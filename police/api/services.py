"""Everything the police's web application is given. `police/app.py` fills it."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from access.accounts import Accounts
from cloud.database.engine import Database
from police.link import LinkState


class Services(NamedTuple):
    """`link`: how the connection to the police channel stands. `link_delivery`: the delivery id of a token of /a/...,
    raising NotFound. `wake`: there is something to ask the campus. `faults`: parts of the process that have died.
    `site`: this organisation's name."""

    database: Database
    accounts: Accounts
    link: Callable[[], LinkState]
    link_delivery: Callable[[str], str]
    wake: Callable[[], None]
    faults: Callable[[], list[str]]
    site: str
    version: str


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Police = Annotated[Services, Depends(_services)]
"""The parameter type with which an endpoint asks for the Services."""
