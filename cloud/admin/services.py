"""Everything the cloud's web application is given. `cloud/app.py` fills it; nothing here is reached any other way."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request

from access.accounts import Accounts
from cloud.database.engine import Database
from cloud.database.people.profiles import ProfileTable
from contract.embedding import EmbeddingSpace, SpaceOf
from contract.errors import Unavailable
from contract.observation import Face
from contract.policy import Policy
from contract.ports import Ledger
from web.enrolment import PhotoLimits

ReadFaces = Callable[[bytes], Sequence[Face]]
"""The faces of a photo for enrolment. Raises Rejected (its hint may be a code such as not_an_image) and Unavailable."""


def no_space(pack: str) -> EmbeddingSpace | None:
    """Return None, for a cloud without a vision worker of its own: nothing is compared."""
    return None


def no_vision(image: bytes) -> Sequence[Face]:
    """Raise Unavailable, for a cloud without a vision worker of its own."""
    raise Unavailable("this cloud has no vision worker, so it cannot look at photos",
                      hint="enrol at a box, or set [vision] models in the cloud's configuration")


class Services(NamedTuple):
    """The parts of the cloud.

    `files`: where evidence lies. `link_delivery`: the delivery id of a token of /a/..., raising NotFound.
    `make_code`: a new claim code, by whom. `claim`: what POST /claim answers to the fields it was sent.
    `revoke`: shut a box out (box, by whom): database and certificate. `space_of`: how embeddings of a
    pack are compared. `policy`: what the site has decided about who is told. `site`: the site's name.
    """

    database: Database
    accounts: Accounts
    profiles: ProfileTable
    ledger: Ledger
    files: Path
    link_delivery: Callable[[str], str]
    make_code: Callable[[str], str]
    claim: Callable[[dict[str, str]], dict[str, Any]]
    revoke: Callable[[str, str], None]
    read_faces: ReadFaces = no_vision
    space_of: SpaceOf = no_space
    policy: Policy = Policy()
    site: str = "Sentrybox"
    version: str = ""
    photo_limits: PhotoLimits = PhotoLimits()


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Cloud = Annotated[Services, Depends(_services)]
"""The parameter type with which an endpoint asks for the Services."""
