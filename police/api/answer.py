"""/a/{token}: the page behind the link of an alert. It needs no account; looking at it changes nothing.

Mail scanners follow every link, so only the button (POST) acknowledges. Details are for those who log in.
"""

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from cloud.database import trail
from cloud.database.telling import deliveries
from contract.errors import NotFound
from contract.moments import now
from police.api.rules import RULES
from police.api.services import Police, Services
from police.api.templates import page
from police.database import entries
from web.guard import new_router

router = new_router(RULES, "answers")

BY = "a contact, by the link of the alert"


@router.get("/a/{token}", response_class=HTMLResponse)
def look(request: Request, token: str, police: Police) -> Response:
    """Show which entry, since when, and the button."""
    try:
        return _shown(request, police, police.link_delivery(token))
    except NotFound as error:
        return page(request, "problem.html", 404, detail=error.detail, hint=error.hint)


@router.post("/a/{token}", response_class=HTMLResponse)
def answer(request: Request, token: str, police: Police) -> Response:
    """Acknowledge. Twice is harmless."""
    try:
        delivery_id = police.link_delivery(token)
        with police.database.write() as session:
            if deliveries.acknowledge_alone(session, delivery_id, now()):
                delivery = deliveries.get(session, delivery_id)
                trail.record(session, BY, "alert.acknowledged", delivery.subject, delivery=delivery_id)
        return _shown(request, police, delivery_id)
    except NotFound as error:
        return page(request, "problem.html", 404, detail=error.detail, hint=error.hint)


def _shown(request: Request, police: Services, delivery_id: str) -> Response:
    with police.database.read() as session:
        delivery = deliveries.get(session, delivery_id)
        entry = entries.find(session, delivery.subject)
    return page(request, "answer.html", entry=entry, acknowledged=delivery.state == "acknowledged",
                at=delivery.updated_at)
