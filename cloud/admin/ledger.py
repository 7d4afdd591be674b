"""Places of records on the ledger, their proofs, and the logs themselves."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel
from sqlmodel import Session

from cloud.admin.incidents import readable
from cloud.admin.release import must_be_released
from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import trail
from cloud.database.ledger.proofs import proof_of
from cloud.database.records import records
from contract.chain import SignedEntry
from contract.errors import NotFound, Rejected
from contract.identity import Identity
from contract.ids import Id
from contract.incident import Incident, LogRecord
from contract.ledger import Anchor, LedgerChannel, LedgerHead, LedgerRecord, LedgerStatus
from contract.moments import Instant
from contract.policy import Organisation, Policy, channels_shown_to
from contract.views import LedgerState
from web.guard import Who, new_router
from web.pagination import Limit, Page
from web.problems import Problem

router = new_router(RULES, "ledger")


class LedgerAnswer(BaseModel):
    """A record and its place: number `sequence` of its box's chain with hash `hash`; `anchors` once it is on the
    ledger.

    `proof` is where the proof file is, once there is one; `sentrybox verify` checks it offline.
    """

    id: str
    record_type: Literal["log", "incident"]
    record: LogRecord | Incident
    status: LedgerStatus
    reason: str
    sequence: int
    hash: str
    entry: SignedEntry
    committed_at: Instant | None
    anchors: tuple[Anchor, ...]
    proof: str | None


class LogEntry(BaseModel):
    """`block`: the block that holds the record; in the embedded log, its number there."""

    block: int
    record: LedgerRecord


@router.get("/blockchain/log/{record_id}")
def entry(record_id: Id, cloud: Cloud, who: Who) -> LedgerAnswer:
    """Return where a log record or an incident stands: received, anchored on the ledger."""
    with cloud.database.read() as session:
        return _look_up(session, record_id, who, cloud.policy)


@router.get("/blockchain/log/{record_id}/proof", response_class=Response,
            responses={200: {"content": {"application/json": {}}}})
def proof(record_id: Id, cloud: Cloud, who: Who) -> Response:
    """Return the proof file, for `sentrybox verify FILE`. 503 until the record is anchored."""
    with cloud.database.write() as session:
        _look_up(session, record_id, who, cloud.policy)
        data = proof_of(session, record_id, _organisation(who, cloud.policy)).to_bytes()
        # A proof holds the record itself: who took it along is worth a line.
        trail.record(session, who.name, "proof.exported", record_id)
    name = f'attachment; filename="sentrybox-proof-{record_id}.json"'
    return Response(data, media_type="application/json", headers={"Content-Disposition": name})


@router.get("/ledger/{channel}/head")
def head(channel: LedgerChannel, cloud: Cloud, who: Who) -> LedgerHead:
    """Return the newest signed tree head of a log, or the newest block of a Fabric channel. A police log is for that
    organisation."""
    _may_read(channel, who, cloud.policy)
    return cloud.ledger.head(channel)


@router.get("/ledger/{channel}/entries")
def entries(channel: LedgerChannel, cloud: Cloud, who: Who, limit: Limit = 50,
            cursor: Annotated[int, Query(ge=-1, le=2**53 - 1, description="`next` of the page before")] = -1
            ) -> Page[LogEntry]:
    """Return the records of a log, oldest first, whole blocks at a time; of batches Fabric has only the roots, so their
    records are not among them, and a page may be empty although there is a `next`. A police log is for that
    organisation."""
    _may_read(channel, who, cloud.policy)
    found = cloud.ledger.page(channel, cursor, limit)
    items = [LogEntry(block=number, record=record) for number, record in found.records]
    return Page(items=items, next=None if found.next is None else str(found.next))


def _organisation(who: Identity, policy: Policy) -> Organisation | None:
    """Return the police organisation that this person reads for; None: they read for the site, or nobody said for whom.
    """
    return policy.reads_for(who.name) if who.role == "police" else None


def _may_read(channel: LedgerChannel, who: Identity, policy: Policy) -> None:
    if channel not in policy.channels:
        raise Rejected(f"there is no ledger channel {channel}; there are {', '.join(policy.channels)}")
    if channel not in channels_shown_to(_organisation(who, policy)):
        raise Problem(403, "wrong_role", f"{who.name} (role {who.role}) may not read the {channel} log; it takes an "
                                         f"account of role police that reads for {channel}")


def _look_up(session: Session, record_id: str, who: Identity, policy: Policy) -> LedgerAnswer:
    """Return the record and its place. Raises NotFound for what is neither a log record nor an incident this role may
    see; the police see what is released.
    """
    if who.role == "police":
        must_be_released(session, record_id, _organisation(who, policy))
    try:
        view = records.log_view(session, record_id)
        return _answer("log", view.log, view.ledger, _organisation(who, policy))
    except NotFound:
        pass
    try:
        incident = readable(session, records.incident_view(session, record_id), who, policy)
    except NotFound as error:
        raise NotFound(f"there is no log record and no incident {record_id}") from error
    return _answer("incident", incident.incident, incident.ledger, _organisation(who, policy))


def _answer(kind: Literal["log", "incident"], record: LogRecord | Incident, state: LedgerState,
            organisation: Organisation | None) -> LedgerAnswer:
    anchors = tuple(a for a in state.anchors if a.channel in channels_shown_to(organisation))
    return LedgerAnswer(
        id=record.id, record_type=kind, record=record, status=state.status, reason=state.reason,
        sequence=state.entry.entry.sequence, hash=state.entry_hash, entry=state.entry,
        committed_at=state.committed_at, anchors=anchors,
        proof=f"/blockchain/log/{record.id}/proof" if anchors else None)
