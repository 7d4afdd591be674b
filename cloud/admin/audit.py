"""The findings of the ledger's audit, and the messages refused from boxes."""

from pydantic import BaseModel

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database.ledger import audits
from cloud.database.ledger.audits import AuditResult
from cloud.database.records import received
from contract.moments import Instant
from web.guard import new_router
from web.pagination import Limit

router = new_router(RULES, "audit")


class RefusedMessage(BaseModel):
    """A message of a box that was not taken. `content` is left out where it may hold a face or a name."""

    id: str
    box: str
    message_id: str
    kind: str
    reason: str
    hash: str
    at: Instant


class Quarantine(BaseModel):
    items: list[RefusedMessage]
    count: int


class LedgerAudit(BaseModel):
    """`last` is null until the first audit has ended."""

    last: AuditResult | None


@router.get("/ledger/audit")
def ledger_audit(cloud: Cloud) -> LedgerAudit:
    """Return how the newest audit of boxes' chains, the cloud's records and the ledger ended."""
    with cloud.database.read() as session:
        return LedgerAudit(last=audits.last(session))


@router.get("/quarantine")
def quarantine(cloud: Cloud, limit: Limit = 50) -> Quarantine:
    """Return messages of boxes that were refused, newest first, and why."""
    with cloud.database.read() as session:
        items = [RefusedMessage(**row.model_dump(include=set(RefusedMessage.model_fields)))
                 for row in received.quarantined(session, limit)]
        return Quarantine(items=items, count=received.count_quarantined(session))
