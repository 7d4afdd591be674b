"""The entries of the police channel: listed, shown with what the campus released, acknowledged."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel
from sqlmodel import Session

from cloud.database import trail
from cloud.database.telling import deliveries
from contract.delivery import Delivery
from contract.errors import NotFound, Rejected
from contract.ids import Hash, Id
from contract.incident import Action, Incident, LogRecord, Severity
from contract.moments import Instant, now
from police.api.rules import RULES
from police.api.services import Police
from police.database import acknowledgements, entries
from police.database import details as police_details
from police.database.tables import DetailsState, PoliceEntryRow, WordState
from police.details import check
from web.guard import Who, new_router
from web.pagination import Limit, Page

router = new_router(RULES, "entries")


class OnLedger(BaseModel):
    """This organisation's own word about an entry on the ledger. `reason`: why it is not there yet."""

    state: WordState
    transaction: str
    block: int | None
    reason: str


class Details(BaseModel):
    """`waiting`: the campus has not released them. `verified`: record and salt match the commitment on the police
    channel. `mismatch`: they do not, so `record` is left out. `withdrawn`: the campus took them back.

    `asked_at`: when the campus was asked last; `names`: person id -> name. `steps`: what was checked, in words.
    """

    state: DetailsState
    reason: str
    asked_at: Instant | None
    released_at: Instant | None = None
    record: Incident | LogRecord | Action | None = None
    names: dict[str, str] = {}
    steps: list[str] = []


class EntryView(BaseModel):
    """A record of the police channel. `told`: whether a contact of ours was told, or has answered."""

    id: Id
    number: int
    campus: str
    severity: Severity
    commitment: Hash
    seen_at: Instant
    block: int
    transaction: str
    told: Literal["waiting", "told", "answered", "failed"]
    deliveries: tuple[Delivery, ...]
    on_ledger: OnLedger
    details: Details


@router.get("/entries")
def listing(police: Police, limit: Limit = 50,
            cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="`next` of the page before")] = None
            ) -> Page[EntryView]:
    """Return what came on the police channel, newest first; without the steps of the check."""
    with police.database.read() as session:
        rows = entries.page(session, cursor, limit)
        items = [view_of(session, row) for row in rows]
    return Page(items=items, next=str(rows[-1].number) if len(rows) == limit and rows[-1].number > 1 else None)


@router.get("/entries/{entry_id}")
def one(entry_id: Id, police: Police) -> EntryView:
    """Return an entry with what the campus released of it, checked anew."""
    with police.database.read() as session:
        return checked(session, entries.get(session, entry_id))


@router.get("/entries/{entry_id}/proof", response_class=Response,
            responses={200: {"content": {"application/json": {}}}})
def proof(entry_id: Id, police: Police, who: Who) -> Response:
    """Return the proof as the campus released it, for `sentrybox verify FILE`; also one that does not match."""
    with police.database.write() as session:
        entries.get(session, entry_id)
        released = police_details.released_of(police_details.get(session, entry_id))
        if released is None:
            raise NotFound(f"the campus has released nothing of entry {entry_id}")
        # It leaves our hands with this: who took it along is worth a line.
        trail.record(session, who.name, "proof.exported", entry_id)
    name = f'attachment; filename="sentrybox-proof-{entry_id}.json"'
    return Response(released.proof.to_bytes(), media_type="application/json", headers={"Content-Disposition": name})


@router.post("/entries/{entry_id}/acknowledge")
def acknowledge(entry_id: Id, police: Police, who: Who) -> EntryView:
    """Note that somebody looks after it: no contact is told of it any more. Twice is harmless."""
    with police.database.write() as session:
        row = entries.get(session, entry_id)
        for delivery in deliveries.for_subject(session, entry_id):
            deliveries.acknowledge_alone(session, delivery.id, now())
        trail.record(session, who.name, "entry.acknowledged", entry_id)
        return view_of(session, row)


@router.post("/entries/{entry_id}/ask", status_code=202)
def ask(entry_id: Id, police: Police) -> EntryView:
    """Ask the campus for the details now, not only when it is due."""
    with police.database.write() as session:
        row = entries.get(session, entry_id)
        police_details.ask_now(session, entry_id)
        view = view_of(session, row)
    police.wake()
    return view


def view_of(session: Session, row: PoliceEntryRow) -> EntryView:
    """Return an entry as lists show it."""
    told = tuple(deliveries.for_subject(session, row.id))
    word = acknowledgements.get(session, row.id)
    details = police_details.get(session, row.id)
    released = police_details.released_of(details)
    shown = Details(state=details.state, reason=details.reason, asked_at=details.asked_at)
    if released is not None:
        shown.released_at = released.released_at
        if details.state == "verified":
            shown.record, shown.names = released.proof.record, released.names
    return EntryView(id=row.id, number=row.number, campus=row.campus, severity=row.severity, commitment=row.commitment,
                     seen_at=row.seen_at, block=row.block, transaction=row.transaction_id, told=_told(told),
                     deliveries=told, details=shown, on_ledger=OnLedger(
                         state=word.state, transaction=word.transaction_id if word.state == "acknowledged" else "",
                         block=word.block, reason=word.reason))


def checked(session: Session, row: PoliceEntryRow) -> EntryView:
    """Return an entry with the steps of the check, made now: what is shown as verified is verified."""
    entry = view_of(session, row)
    released = police_details.released_of(police_details.get(session, row.id))
    if released is not None and entry.details.state == "verified":
        try:
            entry.details.steps = check(released, row)
        except Rejected as error:
            entry.details = Details(state="mismatch", reason=error.detail, asked_at=entry.details.asked_at)
    return entry


def _told(told: tuple[Delivery, ...]) -> Literal["waiting", "told", "answered", "failed"]:
    states = {delivery.state for delivery in told}
    if "acknowledged" in states:
        return "answered"
    if states & {"accepted", "delivered"}:
        return "told"
    return "waiting" if states & {"pending", "sending"} else "failed"
