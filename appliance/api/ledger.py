"""POST and GET /blockchain/log: statements that nobody can quietly change, and where records stand on the ledger."""

from typing import Literal

from fastapi import Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from appliance.api.auth import Box, new_router
from appliance.api.incidents import ledger_for, organisation_of, readable
from appliance.api.ports import Store
from contract.errors import NotFound
from contract.identity import Identity
from contract.ids import Id
from contract.incident import KINDS, Incident, Kind, LogRecord, Place, Severity, Text
from contract.ledger import LedgerStatus
from contract.moments import Instant
from contract.policy import Policy
from contract.views import LedgerState
from web.guard import Who
from web.pagination import IdempotencyKey, scoped_key

router = new_router("ledger")


class NewLog(BaseModel):
    """The time needs a zone."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    at: Instant = Field(validation_alias=AliasChoices("time", "at"), examples=["2026-11-23T20:00:00+01:00"])
    location: Place
    kind: Kind
    description: Text = ""
    severity: Severity | None = None


class LedgerAnswer(BaseModel):
    """A record and its place: number `sequence` of the box's chain, with hash `hash`; `ledger` has the rest.

    `proof` is where the proof file is, once there is one; `sentrybox verify` checks it offline.
    """

    id: str
    record_type: Literal["log", "incident"]
    record: LogRecord | Incident
    status: LedgerStatus
    sequence: int
    hash: str
    ledger: LedgerState
    proof: str | None


@router.post("/blockchain/log", status_code=201)
def log(body: NewLog, box: Box, who: Who, response: Response, key: IdempotencyKey = None) -> LedgerAnswer:
    """Write a statement into the box's chain; the cloud anchors it on the ledger."""
    view, new = box.store.logs.record(at=body.at, location=body.location, kind=body.kind,
                                      severity=body.severity or KINDS[body.kind].usual_severity,
                                      description=body.description, by=who.name, key=scoped_key(who, key))
    response.headers["Location"] = f"/blockchain/log/{view.log.id}"
    if not new:
        response.headers["Idempotency-Replayed"] = "true"
    return _answer("log", view.log, view.ledger, who, box.store.policy())


@router.get("/blockchain/log/{record_id}")
def entry(record_id: Id, box: Box, who: Who) -> LedgerAnswer:
    """Return where a log record or an incident stands: recorded on this box, anchored on the ledger."""
    return ledger_answer(box.store, record_id, who)


@router.get("/blockchain/log/{record_id}/proof", response_class=Response,
            responses={200: {"content": {"application/json": {}}}})
def proof(record_id: Id, box: Box, who: Who) -> Response:
    """Return the proof file, for `sentrybox verify FILE`. 503 until the record is anchored."""
    ledger_answer(box.store, record_id, who)
    data = box.store.proof(record_id, organisation_of(who, box.store.policy())).to_bytes()
    name = f'attachment; filename="sentrybox-proof-{record_id}.json"'
    return Response(data, media_type="application/json", headers={"Content-Disposition": name})


def ledger_answer(store: Store, record_id: str, who: Identity) -> LedgerAnswer:
    """Return the record and its place. Raises NotFound for what is neither a log record nor an incident this role may
    see.
    """
    policy = store.policy()
    try:
        view = store.logs.get(record_id)
        return _answer("log", view.log, view.ledger, who, policy)
    except NotFound:
        pass
    try:
        incident = readable(store.incidents.get(record_id), who, policy)
    except NotFound as error:
        raise NotFound(f"no log record and no incident {record_id}") from error
    return _answer("incident", incident.incident, incident.ledger, who, policy)


def _answer(kind: Literal["log", "incident"], record: LogRecord | Incident, state: LedgerState,
            who: Identity, policy: Policy) -> LedgerAnswer:
    shown = ledger_for(state, who, policy)
    return LedgerAnswer(id=record.id, record_type=kind, record=record, status=shown.status, ledger=shown,
                        sequence=shown.entry.entry.sequence, hash=shown.entry_hash,
                        proof=f"/blockchain/log/{record.id}/proof" if shown.anchors else None)
