"""The ports: what box and cloud need from outside, sized so that every adapter can keep them.

One conformance suite per port (tests/conformance) examines all its adapters.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from contract.ledger import Anchor, Inclusion, LedgerChannel, LedgerHead, LedgerRecord
from contract.profile import Channel, Profile, ProfileChange


class Prepared(NamedTuple):
    """A transaction that is ready to be sent and was not sent yet. Store it before it is sent, and send that again.

    `envelope` are the signed bytes, where the ledger takes any; empty also where the ledger has the records already,
    in `transaction`. `records` are in the order of their leaves.
    """

    channel: LedgerChannel
    records: tuple[LedgerRecord, ...]
    transaction: str
    envelope: bytes


class LedgerIdentity(NamedTuple):
    """With which certificate we write on a ledger, and until when (an Instant) it is valid."""

    name: str
    expires: str


class LedgerPage(NamedTuple):
    """Records with their blocks' numbers. `next` is the `after` of the page that follows, None at the end."""

    records: list[tuple[int, LedgerRecord]]
    next: int | None


class Ledger(Protocol):
    """An append-only log per channel, written in two phases. Calls block; every one may be repeated, by several threads
    at a time."""

    def check(self, channel: LedgerChannel) -> None:
        """Check that the channel can be written on. Raises Unavailable, saying why and what to do, when nothing can be
        written there just now: the ledger cannot be reached, or it is not the one that was written on before.
        """
        ...

    def prepare(self, channel: LedgerChannel, records: Sequence[LedgerRecord]) -> Prepared:
        """Make one transaction of the records: one record in its own right, or several under one Merkle root.

        Nothing is sent. A record by itself that the ledger has already, with the same content, is Prepared as what is
        there. Raises Conflict when the ledger has a record's id with other content, Rejected when it will never take
        them, Unavailable.
        """
        ...

    def commit(self, prepared: Prepared) -> Anchor:
        """Send it and wait until it is durable. The same Prepared any number of times takes effect once.

        Raises Unavailable when there is no answer yet (later again, the *same* Prepared), Stale when it will certainly
        never take effect (prepare the records anew), Conflict as `prepare`.
        """
        ...

    def prove(self, anchor: Anchor, records: Sequence[LedgerRecord]) -> tuple[Inclusion, ...]:
        """Return one proof for each of the records of a transaction, all of them, in its order; each verified before it
        is returned. Raises NotFound when this is not what the transaction wrote, Unavailable.
        """
        ...

    def get(self, channel: LedgerChannel, record_id: str) -> LedgerRecord:
        """Return the record. Raises NotFound, also for a record of a batch of which the ledger keeps the root alone;
        Unavailable."""
        ...

    def head(self, channel: LedgerChannel) -> LedgerHead:
        """Return the newest state, for comparing what several people are shown. Raises Unavailable."""
        ...

    def page(self, channel: LedgerChannel, after: int, limit: int) -> LedgerPage:
        """Return records, as far as `get` knows them, with block number > after (-1 for the first page), oldest first.

        Whole blocks: up to `limit` records, or all those of one block where it has more; fewer, perhaps none, where
        many blocks have none. Raises Unavailable.
        """
        ...

    def identities(self) -> tuple[LedgerIdentity, ...]:
        """Return the certificates this writes with, of which a person has to renew each before it expires."""
        ...


class Alert(NamedTuple):
    """One thing to say to one address. `key` is the delivery's id, for adapters that can ask for repeats."""

    key: str
    channel: Channel
    address: str
    title: str
    text: str


class Accepted(NamedTuple):
    """The provider's word. `provider_id` is None where the provider gives none."""

    provider_id: str | None


class AlertChannel(Protocol):
    """One way to reach people."""

    def send(self, alert: Alert) -> Accepted:
        """Hand the alert to the provider.

        Raises Rejected when the provider will never take it (unknown number, unregistered device), Unavailable when it
        may take it later; `ambiguous` is set when it may have been taken already.
        """
        ...

    def find(self, alert: Alert) -> Accepted | None:
        """Return what the provider has of this alert, asked after an ambiguous failure; None when it cannot say or has
        nothing.
        """
        ...


class ProfileRepository(Protocol):
    """The profiles of one side. Every writing call is one transaction."""

    def get(self, profile_id: str) -> Profile:
        """Return the profile. Raises NotFound, also for an erased person."""
        ...

    def create(self, profile: Profile, by: str) -> Profile:
        """Store a new profile. Raises Conflict when the id exists or was erased, Rejected when a friend does not exist.
        """
        ...

    def change(self, profile_id: str, change: ProfileChange, by: str, revision: int | None = None) -> Profile:
        """Apply; raises NotFound, Conflict when `revision` is given and stale, Rejected when the result is not allowed
        or an added friend does not exist."""
        ...

    def erase(self, profile_id: str, by: str) -> None:
        """Remove the person, their templates and every friendship with them; leaves a tombstone. Raises NotFound when
        there never was such a person; erasing twice is harmless."""
        ...

    def page(self, after: str, limit: int) -> list[Profile]:
        """Return profiles with id > after ("" for the first page), in order of id."""
        ...
