"""The trail: who did what, and whether anybody changed it since."""

import json
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import trail
from cloud.database.tables.site import TrailRow
from contract.errors import Rejected
from contract.moments import Instant
from web.guard import new_router
from web.pagination import Limit, Page

router = new_router(RULES, "trail")


class TrailLine(BaseModel):
    number: int
    at: Instant
    by: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class TrailPage(Page[TrailLine]):
    """`intact`: whether the whole chain of lines fits; `fault` says where it does not. On the first page only."""

    intact: bool | None = None
    fault: str = ""


@router.get("/trail")
def lines(cloud: Cloud, limit: Limit = 50,
          cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="`next` of the page before")] = None
          ) -> TrailPage:
    """Return who did what, newest first. The first page also checks the whole chain."""
    with cloud.database.read() as session:
        rows = trail.page(session, cursor, limit)
        page = TrailPage(items=[line_of(row) for row in rows],
                         next=str(rows[-1].number) if len(rows) == limit else None)
        if cursor is None:
            try:
                trail.check(session)
                page.intact = True
            except Rejected as error:
                page.intact, page.fault = False, error.detail
    return page


def line_of(row: TrailRow) -> TrailLine:
    """Return one line, its detail unfolded."""
    return TrailLine(**row.model_dump(include={"number", "at", "by", "action", "subject", "hash"}),
                detail=json.loads(row.detail))
