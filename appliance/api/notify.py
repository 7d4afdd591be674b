"""POST /notify: tell the people around somebody, and follow what became of each telling."""

from typing import Annotated

from fastapi import Path, Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from appliance.api.auth import Box, new_router
from contract.ids import Id
from contract.incident import Place, Text
from contract.policy import Audience
from contract.views import NoticeView
from web.guard import Who
from web.pagination import IdempotencyKey, scoped_key

router = new_router("alerts")


class NewNotice(BaseModel):
    """`users`: ids of the people it is about. `audience`: who is told; by default their friends, and security."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    users: tuple[Id, ...] = Field(validation_alias=AliasChoices("users", "user_ids"), min_length=1, max_length=50)
    description: Annotated[Text, Field(min_length=1)]
    location: Place
    audience: tuple[Audience, ...] = Field(default=("friends", "security"), min_length=1, max_length=10)


@router.post("/notify", status_code=202)
def notify(body: NewNotice, box: Box, who: Who, response: Response, key: IdempotencyKey = None) -> NoticeView:
    """Tell the audience. One delivery per recipient and channel; an error when nobody could be told."""
    users, audience = tuple(dict.fromkeys(body.users)), tuple(dict.fromkeys(body.audience))
    view, new = box.store.notices.create(users=users, audience=audience, description=body.description,
                                         location=body.location, by=who.name, key=scoped_key(who, key))
    response.headers["Location"] = f"/notify/{view.id}"
    if not new:
        response.headers["Idempotency-Replayed"] = "true"
    return view


@router.get("/notify/{subject_id}")
def follow(subject_id: Annotated[Id, Path(description="of a notice, or of an incident that told people by itself")],
           box: Box) -> NoticeView:
    """Return how each delivery stands."""
    return box.store.notices.get(subject_id)
