"""The boxes: seen, taken in by a code, shut out."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cloud.admin.ledger_health import LedgerHealth, days_left, look
from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import boxes, changes
from cloud.database.tables.site import BoxRow
from contract.ids import Name
from contract.messages import Status
from contract.moments import Instant
from web.guard import Who, new_router

router = new_router(RULES, "fleet")


class BoxView(BaseModel):
    """`behind`: changes the box has not fetched yet; `digest_ok`: whether its people are ours (null: not compared yet);
    `cameras`: id -> state; `waiting`: records on the box without a receipt."""

    id: Name
    name: str
    state: str
    claimed_at: Instant
    last_seen: Instant | None
    certificate_expires: str
    certificate_days_left: int | None = None
    public_key: str
    version: str | None = None
    packs: tuple[str, ...] = ()
    cursor: int | None = None
    behind: int | None = None
    waiting: int | None = None
    profiles: int | None = None
    digest_ok: bool | None = None
    cameras: dict[str, str] = {}


class Fleet(BaseModel):
    items: list[BoxView]
    ledger: LedgerHealth


class ClaimCode(BaseModel):
    """Type it in on the box. It is shown this once and works for one box within a day."""

    code: str


class ClaimIn(BaseModel):
    """A box's request to join the fleet: the code, its id, a certificate request (PEM), the key that signs its chain
    (hex).
    """

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=40)
    box: Name
    csr: str = Field(max_length=16 * 1024)
    public_key: str = Field(pattern=r"^[0-9a-f]{64}$")


@router.get("/boxes")
def listing(cloud: Cloud) -> Fleet:
    """Return every box with what it said of itself last, and how the ledger is."""
    with cloud.database.read() as session:
        items = fleet(session)
    return Fleet(items=items, ledger=look(cloud.ledger, cloud.policy.channels))


@router.post("/boxes/claim-codes", status_code=201)
def make_code(cloud: Cloud, who: Who) -> ClaimCode:
    """Make a new claim code for one box."""
    return ClaimCode(code=cloud.make_code(who.name))


@router.post("/claim")
def claim(body: ClaimIn, cloud: Cloud) -> dict[str, Any]:
    """Take a box into the fleet by its code; return its certificate, the site's authority, and where the broker is."""
    return cloud.claim(body.model_dump())


@router.post("/boxes/{box_id}/revoke", status_code=204, response_class=Response)
def revoke(box_id: Name, cloud: Cloud, who: Who) -> Response:
    """Shut a box out: nothing of it is taken from now on. Repeating it is harmless."""
    cloud.revoke(box_id, who.name)
    return Response(status_code=204)


def fleet(session: Session) -> list[BoxView]:
    """Return all boxes, by id."""
    return [_view(session, row) for row in boxes.every(session)]


def _view(session: Session, row: BoxRow) -> BoxView:
    view = BoxView(id=row.id, name=row.name, state=row.state, claimed_at=row.claimed_at, last_seen=row.last_seen,
                   certificate_expires=row.certificate_expires,
                   certificate_days_left=days_left(row.certificate_expires) if row.certificate_expires else None,
                   public_key=row.public_key, digest_ok=row.agrees)
    if row.status is None:
        return view
    status = Status.model_validate_json(row.status)
    behind = max(0, changes.latest_for(session, row.id) - status.cursor)
    return view.model_copy(update={
        "version": status.version, "packs": status.packs, "cursor": status.cursor, "behind": behind,
        "waiting": status.waiting, "profiles": status.profiles, "cameras": dict(status.cameras)})
