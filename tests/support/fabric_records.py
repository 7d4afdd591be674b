"""Record and read incidents on a ground, as the campus or the police."""

import uuid

from cloud.ledger.gateway.client import Commit
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.profile import ConnectionProfile

COMMITMENT = "ab" * 32


def record(ground, channel: str = "general", *, identity: Identity | None = None,
           wait_s: float = 30) -> tuple[str, Commit]:
    """Record one incident as the campus; returns its id and how it was committed."""
    profile = ConnectionProfile.read(ground.profile("campus"))
    gateway = profile.gateway()
    try:
        who, name = identity or profile.identity(channel), str(uuid.uuid4())
        made = gateway.endorse(who, channel, "sentrybox", "Record", name, COMMITMENT, "1", "high")
        return name, gateway.settle(who, channel, made.transaction, made.envelope, wait_s)
    finally:
        gateway.close()


def read(ground, name: str, channel: str = "general", organisation: str = "campus", *,
         identity: Identity | None = None) -> bytes:
    """The stored entry, as the organisation's client on this channel (or this identity) reads it."""
    profile = ConnectionProfile.read(ground.profile(organisation))
    gateway = profile.gateway()
    try:
        return gateway.evaluate(identity or profile.identity(channel), channel, "sentrybox", "Get", name)
    finally:
        gateway.close()
