"""Events: notes of what has just been committed, for those who want to know at once."""

from typing import Literal, NamedTuple


class Event(NamedTuple):
    """`id` names the thing within the topic: an incident, a person, a delivery's subject, a camera."""

    topic: Literal["incident", "profile", "delivery", "anchor", "camera", "zones", "site", "sync"]
    id: str
