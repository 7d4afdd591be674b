"""Deliveries: who is to be told of something, and how each telling stands. Pure: the same plan on the box and in the
cloud.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from pydantic import Field

from contract.ids import Id, Name, derived_id
from contract.incident import Incident, Place, Text
from contract.model import Model
from contract.moments import Instant
from contract.policy import OWN, POLICE, Audience, Organisation
from contract.profile import Channel, Contact, Profile

DeliveryState = Literal["pending", "sending", "accepted", "delivered", "failed", "acknowledged"]

FINAL: frozenset[DeliveryState] = frozenset({"delivered", "failed", "acknowledged"})


class SiteContacts(Model):
    """The contacts of the campus itself, and of the police: `police` the organisation of that name, `others` the
    others.
    """

    security: tuple[Contact, ...] = Field(default=(), max_length=20)
    police: tuple[Contact, ...] = Field(default=(), max_length=20)
    # Left out where there are none: so it reads, and hashes, as before there could be any.
    others: dict[Organisation, Annotated[tuple[Contact, ...], Field(max_length=20)]] = Field(
        default_factory=dict, max_length=20, exclude_if=lambda others: not others)

    def of(self, organisation: Organisation) -> tuple[Contact, ...]:
        """Return the contacts of a police organisation; () when there are none."""
        return self.police if organisation == POLICE else self.others.get(organisation, ())


class Notice(Model):
    """A request to tell people: POST /notify. `users` are the people it is about."""

    id: Id
    device: Name
    users: tuple[Id, ...] = Field(min_length=1, max_length=50)
    audience: tuple[Audience, ...] = Field(default=("friends", "security"), min_length=1, max_length=10)
    description: Text = Field(min_length=1)
    location: Place
    at: Instant
    by: str = Field(min_length=1, max_length=100)


class Delivery(Model):
    """One recipient, one channel, one step. The id follows from these, subject and address: planning the same again is
    harmless, and a later step tells the same person again. `step` 0 is the first telling."""

    id: Id
    subject: Id
    recipient: str = Field(min_length=1, max_length=100)
    audience: Audience
    channel: Channel
    address: str = Field(max_length=400)
    step: int = Field(default=0, ge=0, le=100, exclude_if=lambda step: step == 0)
    state: DeliveryState = "pending"
    provider_id: str | None = Field(default=None, max_length=400)
    reason: str = Field(default="", max_length=1000)
    attempts: int = Field(default=0, ge=0)
    updated_at: Instant


def victims(incident: Incident) -> tuple[str, ...]:
    """Return ids of the people something happened to."""
    return tuple(p.person for p in incident.people if p.part == "victim")


def plan_deliveries(subject: str, users: Iterable[str], audience: Iterable[Audience], site: SiteContacts,
                    find: Callable[[str], Profile | None], at: str, step: int = 0) -> list[Delivery]:
    """Return one pending delivery per recipient and address; a person who is friend of two victims is told once a step.
    """
    wanted = set(audience)
    told: dict[str, Delivery] = {}

    def tell(recipient: str, group: Audience, contacts: Iterable[Contact]) -> None:
        for contact in contacts:
            # The first step's ids are as they were before there were steps.
            key = derived_id(subject, recipient, contact.channel, contact.address, *([f"step {step}"] if step else []))
            told.setdefault(key, Delivery(id=key, subject=subject, recipient=recipient, audience=group, step=step,
                                          channel=contact.channel, address=contact.address, updated_at=at))

    for person in (p for p in map(find, users) if p is not None):
        if "users" in wanted:
            tell(person.id, "users", person.contacts)
        if "friends" in wanted:
            for friend in (f for f in map(find, person.friends) if f is not None):
                tell(friend.id, "friends", friend.contacts)
    if "security" in wanted:
        tell("security", "security", site.security)
    for organisation in sorted(wanted - set(OWN)):
        tell(organisation, organisation, site.of(organisation))
    return list(told.values())
