"""GET /trail: who did what at this box."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from appliance.api.auth import Box, new_router
from contract.moments import Instant
from web.pagination import Limit, Page

router = new_router("trail")


class TrailLine(BaseModel):
    number: int
    at: Instant
    by: str
    action: str
    subject: str
    detail: dict[str, Any]


@router.get("/trail")
def lines(box: Box, limit: Limit = 50,
          cursor: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="`next` of the page before")] = None
          ) -> Page[TrailLine]:
    """Log-ins, refused ones, and changes of accounts and tokens, newest first. The newest 20,000 are kept."""
    found = [TrailLine(**line._asdict()) for line in box.store.trail.page(cursor, limit)]
    return Page(items=found, next=str(found[-1].number) if len(found) == limit else None)
