"""The ports: what box and cloud need from outside, sized so that every adapter can keep them.

One conformance suite per port (tests/conformance) examines all its adapters.
"""

from typing import NamedTuple, Protocol

from contract.ledger import Anchor, InclusionProof, LedgerChannel, LedgerRecord, TreeHead
from contract.profile import Channel, Profile, ProfileChange


class Ledger(Protocol):
    """An append-only log per channel. Calls block; every one may be repeated."""

    def append(self, channel: LedgerChannel, record: LedgerRecord) -> Anchor:
        """Write a record durably. The same record again returns its first Anchor.

        Raises Conflict for the id with other content, Unavailable when the ledger cannot be reached.
        """
        ...

    def get(self, channel: LedgerChannel, record_id: str) -> LedgerRecord:
        """The record. Raises NotFound."""
        ...

    def prove(self, channel: LedgerChannel, record_id: str) -> InclusionProof:
        """A proof, verified before it is returned. Raises NotFound."""
        ...

    def head(self, channel: LedgerChannel) -> TreeHead:
        """The newest signed tree head."""
        ...

    def page(self, channel: LedgerChannel, after: int, limit: int) -> list[tuple[int, LedgerRecord]]:
        """Records with block number > after (-1 for the first page), oldest first."""
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
        """After an ambiguous failure: what the provider has of this alert, None when it cannot say or has nothing."""
        ...


class ProfileRepository(Protocol):
    """The profiles of one side. Every writing call is one transaction."""

    def get(self, profile_id: str) -> Profile:
        """Raises NotFound, also for an erased person."""
        ...

    def create(self, profile: Profile, by: str) -> Profile:
        """Raises Conflict when the id exists or was erased, Rejected when a friend does not exist."""
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
        """Profiles with id > after ("" for the first page), in order of id."""
        ...
