"""Who is to be told of something, and how each telling stands. Pure: the same plan on the box and in the cloud."""

from collections.abc import Callable, Iterable
from typing import Literal

from pydantic import Field

from contract.ids import Id, Name, derived_id
from contract.incident import Incident, Place, Severity, Text
from contract.model import Model
from contract.moments import Instant
from contract.profile import Channel, Contact, Profile

Audience = Literal["users", "friends", "security", "police"]
DeliveryState = Literal["pending", "sending", "accepted", "delivered", "failed", "acknowledged"]

FINAL: frozenset[DeliveryState] = frozenset({"delivered", "failed", "acknowledged"})


class SiteContacts(Model):
    """How the campus itself is reached."""

    security: tuple[Contact, ...] = Field(default=(), max_length=20)
    police: tuple[Contact, ...] = Field(default=(), max_length=20)


class Notice(Model):
    """A request to tell people: POST /notify. `users` are the people it is about."""

    id: Id
    device: Name
    users: tuple[Id, ...] = Field(min_length=1, max_length=50)
    audience: tuple[Audience, ...] = Field(default=("friends", "security"), min_length=1, max_length=4)
    description: Text = Field(min_length=1)
    location: Place
    at: Instant
    by: str = Field(min_length=1, max_length=100)


class Delivery(Model):
    """One recipient, one channel. The id follows from subject, recipient and address: planning again is harmless."""

    id: Id
    subject: Id
    recipient: str = Field(min_length=1, max_length=100)
    audience: Audience
    channel: Channel
    address: str = Field(max_length=400)
    state: DeliveryState = "pending"
    provider_id: str | None = Field(default=None, max_length=400)
    reason: str = Field(default="", max_length=1000)
    attempts: int = Field(default=0, ge=0)
    updated_at: Instant


def audience_for(severity: Severity) -> tuple[Audience, ...]:
    """The automatic rule: high tells the victim's friends and security, critical also the police."""
    audiences: dict[Severity, tuple[Audience, ...]] = {
        "low": (), "medium": (), "high": ("friends", "security"), "critical": ("friends", "security", "police")}
    return audiences[severity]


def victims(incident: Incident) -> tuple[str, ...]:
    """Ids of the people something happened to."""
    return tuple(p.person for p in incident.people if p.part == "victim")


def plan_deliveries(subject: str, users: Iterable[str], audience: Iterable[Audience], site: SiteContacts,
                    find: Callable[[str], Profile | None], at: str) -> list[Delivery]:
    """One pending delivery per recipient and address; a person who is friend of two victims is told once."""
    wanted = set(audience)
    told: dict[str, Delivery] = {}

    def tell(recipient: str, group: Audience, contacts: Iterable[Contact]) -> None:
        for contact in contacts:
            key = derived_id(subject, recipient, contact.channel, contact.address)
            told.setdefault(key, Delivery(id=key, subject=subject, recipient=recipient, audience=group,
                                          channel=contact.channel, address=contact.address, updated_at=at))

    for person in (p for p in map(find, users) if p is not None):
        if "users" in wanted:
            tell(person.id, "users", person.contacts)
        if "friends" in wanted:
            for friend in (f for f in map(find, person.friends) if f is not None):
                tell(friend.id, "friends", friend.contacts)
    if "security" in wanted:
        tell("security", "security", site.security)
    if "police" in wanted:
        tell("police", "police", site.police)
    return list(told.values())
