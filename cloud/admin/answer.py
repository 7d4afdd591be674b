"""/a/{token}: the page behind the link of an alert. It needs no account; looking at it changes nothing.

Mail scanners follow every link, so only the button (POST) acknowledges.
"""

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud, Services
from cloud.admin.templates import page
from cloud.database import trail
from cloud.database.ledger import audits
from cloud.database.telling import alerts, deliveries, releases
from contract.delivery import Notice
from contract.errors import NotFound
from contract.incident import KINDS, Incident, LogRecord
from contract.moments import now
from contract.policy import Audience, is_police
from web.guard import new_router

router = new_router(RULES, "answers")

BY: dict[Audience, str] = {"users": "the person", "friends": "friend"}
"""Who acknowledges, as the incident's history says it: the kind of recipient, no name; others as their audience."""


@router.get("/a/{token}", response_class=HTMLResponse)
def look(request: Request, token: str, cloud: Cloud) -> Response:
    """Show who, where, what, when, and the button."""
    try:
        return _shown(request, cloud, cloud.link_delivery(token))
    except NotFound as error:
        return page(request, "problem.html", 404, detail=error.detail, hint=error.hint)


@router.post("/a/{token}", response_class=HTMLResponse)
def answer(request: Request, token: str, cloud: Cloud) -> Response:
    """Acknowledge: the delivery, and with it the incident. Twice is harmless."""
    try:
        delivery_id = cloud.link_delivery(token)
        with cloud.database.write() as session:
            delivery = deliveries.get(session, delivery_id)
            if delivery.state != "acknowledged":
                by = BY.get(delivery.audience, delivery.audience)
                deliveries.acknowledge(session, delivery_id, by, now())
                trail.record(session, by, "alert.acknowledged", delivery.subject, delivery=delivery_id)
        return _shown(request, cloud, delivery_id)
    except NotFound as error:
        return page(request, "problem.html", 404, detail=error.detail, hint=error.hint)


def _shown(request: Request, cloud: Services, delivery_id: str) -> Response:
    with cloud.database.read() as session:
        delivery = deliveries.get(session, delivery_id)
        record = alerts.subject_of(session, delivery.subject)
        findings = audits.told_of(session, delivery.subject)
        if isinstance(record, Incident):
            ids = tuple(p.person for p in record.people)
        else:
            ids = record.users if isinstance(record, Notice) else ()
        names = alerts.names_of(session, ids)
        told = deliveries.for_subject(session, delivery.subject)
        # A notice was written by a person who chose to tell the police.
        withheld = is_police(delivery.audience) and isinstance(record, Incident | LogRecord) and \
            not releases.released(session, (delivery.subject,), delivery.audience)
    others = sum(d.state == "acknowledged" and d.id != delivery_id for d in told)
    what = KINDS[record.kind].label if isinstance(record, Incident | LogRecord) else "Notice"
    return page(request, "answer.html", record=record, findings=findings, what=what,
                people=[names.get(i, "somebody no longer enrolled") for i in ids], others=others,
                withheld=withheld, acknowledged=delivery.state == "acknowledged", at=delivery.updated_at)
