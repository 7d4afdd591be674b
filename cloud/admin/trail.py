"""The audit trail, what the ledger's audit found, and what was refused from boxes."""

import json
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import trail
from cloud.database.ledger import audits
from cloud.database.ledger.audits import AuditResult
from cloud.database.records import received
from cloud.database.tables.site import TrailRow
from contract.errors import Rejected
from contract.moments import Instant
from web.guard import new_router
from web.pagination import Limit, Page

router = new_router(RULES, "audit")


class Line(BaseModel):
    number: int
    at: Instant
    by: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class Trail(Page[Line]):
    """`intact`: whether the whole chain of lines fits; `fault` says where it does not. On the first page only."""

    intact: bool | None = None
    fault: str = ""


class Refused(BaseModel):
    """A message of a box that was not taken. `content` is left out where it may hold a face or a name."""

    id: str
    box: str
    message_id: str
    kind: str
    reason: str
    hash: str
    at: Instant


class Quarantine(BaseModel):
    items: list[Refused]
    count: int


class LedgerAudit(BaseModel):
    """`last` is null until the first audit has ended."""

    last: AuditResult | None


@router.get("/audit")
def lines(cloud: Cloud, limit: Limit = 50,
          cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="`next` of the page before")] = None
          ) -> Trail:
    """Who did what, newest first. The first page also checks the whole chain."""
    with cloud.database.read() as session:
        rows = trail.page(session, cursor, limit)
        page = Trail(items=[line_of(row) for row in rows], next=str(rows[-1].number) if len(rows) == limit else None)
        if cursor is None:
            try:
                trail.check(session)
                page.intact = True
            except Rejected as error:
                page.intact, page.fault = False, error.detail
    return page


@router.get("/ledger/audit")
def ledger_audit(cloud: Cloud) -> LedgerAudit:
    """How the newest audit of boxes' chains, the cloud's records and the ledger ended."""
    with cloud.database.read() as session:
        return LedgerAudit(last=audits.last(session))


@router.get("/quarantine")
def quarantine(cloud: Cloud, limit: Limit = 50) -> Quarantine:
    """Messages of boxes that were refused, newest first, and why."""
    with cloud.database.read() as session:
        items = [Refused(**row.model_dump(include=set(Refused.model_fields)))
                 for row in received.quarantined(session, limit)]
        return Quarantine(items=items, count=received.count_quarantined(session))


def line_of(row: TrailRow) -> Line:
    """One line, its detail unfolded."""
    return Line(**row.model_dump(include={"number", "at", "by", "action", "subject", "hash"}),
                detail=json.loads(row.detail))
