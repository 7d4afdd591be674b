"""POST /notify, what became of each telling, and the alarms: who could not be told."""

from typing import Annotated

from fastapi import Path, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlmodel import Session

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import trail
from cloud.database.records import records
from cloud.database.telling import alerts, deliveries
from contract.delivery import Delivery, Notice
from contract.errors import Conflict, NotFound, Rejected
from contract.ids import Id, derived_id, new_id
from contract.incident import Place, Text
from contract.moments import now
from contract.policy import Audience
from contract.views import NoticeView
from web.guard import Who, new_router
from web.pagination import IdempotencyKey, scoped_key

router = new_router(RULES, "alerts")

HERE = "cloud"
"""The device of a notice that was made in the cloud."""


class NewNotice(BaseModel):
    """`users`: ids of the people it is about. `audience`: who is told; by default their friends, and security."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    users: tuple[Id, ...] = Field(validation_alias=AliasChoices("users", "user_ids"), min_length=1, max_length=50)
    description: Annotated[Text, Field(min_length=1)]
    location: Place
    audience: tuple[Audience, ...] = Field(default=("friends", "security"), min_length=1, max_length=10)


class Alarms(BaseModel):
    items: list[Delivery]


@router.post("/notify", status_code=202)
def notify(body: NewNotice, cloud: Cloud, who: Who, response: Response, key: IdempotencyKey = None) -> NoticeView:
    """Tell the audience. One delivery per recipient and channel; an error when nobody could be told."""
    notice = Notice(id=new_id() if key is None else derived_id("notice", scoped_key(who, key) or ""), device=HERE,
                    users=tuple(dict.fromkeys(body.users)), audience=tuple(dict.fromkeys(body.audience)),
                    description=body.description, location=body.location, at=now(), by=who.name)
    cloud.policy.check_audience(notice.audience)
    with cloud.database.write() as session:
        view = _earlier(session, notice) if key is not None else None
        if view is not None:
            response.headers["Idempotency-Replayed"] = "true"
        else:
            view = _plan(session, notice)
    response.headers["Location"] = f"/notify/{view.id}"
    return view


@router.get("/notify/{subject_id}")
def follow(subject_id: Annotated[Id, Path(description="of a notice, or of an incident that told people by itself")],
           cloud: Cloud) -> NoticeView:
    """Return how each delivery stands."""
    with cloud.database.read() as session:
        return view_of(session, subject_id)


@router.get("/alarms")
def alarms(cloud: Cloud) -> Alarms:
    """Return deliveries that failed for good, and incidents of which nobody could be told; newest first."""
    with cloud.database.read() as session:
        return Alarms(items=alerts.problems(session))


def view_of(session: Session, subject_id: str) -> NoticeView:
    """Return what became of a telling. Raises NotFound for what is no notice and told nobody."""
    record = alerts.subject_of(session, subject_id)
    told = tuple(deliveries.for_subject(session, subject_id))
    if record is None and not told:
        raise NotFound(f"there is no notice and no incident {subject_id}")
    return NoticeView(id=subject_id, notice=record if isinstance(record, Notice) else None, deliveries=told)


def _earlier(session: Session, notice: Notice) -> NoticeView | None:
    """Return the answer to a repeated request. Raises Conflict when the key came with another notice."""
    try:
        known = records.notice(session, notice.id)
    except NotFound:
        return None
    if known.model_copy(update={"at": notice.at}) != notice:
        raise Conflict("this Idempotency-Key came with another notice before", hint="use a new key for a new notice")
    return view_of(session, notice.id)


def _plan(session: Session, notice: Notice) -> NoticeView:
    unknown = set(notice.users) - set(alerts.names_of(session, notice.users))
    if unknown:
        raise Rejected(f"no such person: {', '.join(sorted(unknown))}", hint="GET /users lists the people there are")
    records.add_notice(session, notice, None)
    if not deliveries.plan_for_notice(session, notice, None):
        raise Rejected(f"nobody could be told: no {' and no '.join(notice.audience)} of these people has a contact",
                       hint="add contacts to their friends, or site contacts under Contacts")
    trail.record(session, notice.by, "notice.made", notice.id)
    return view_of(session, notice.id)
