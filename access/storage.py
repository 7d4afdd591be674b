"""The records of access, and the port that keeps them. Moments are Unix seconds; secrets are kept as hashes only."""

from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple, Protocol

from access.lockout import Guesses
from contract.identity import Role

Kind = Literal["session", "token", "link"]


class Account(NamedTuple):
    """`key` is the name as names.canonical spells it, `name` as it was typed; `password` is an Argon2id hash, or
    passwords.NO_PASSWORD."""

    key: str
    name: str
    role: Role
    password: str
    created_at: float


class Credential(NamedTuple):
    """A secret that was handed out. `id` names it in lists.

    A session and the link of a reset belong to the account `account` (its key); the first account's link has account
    "". A token stands for a program: `name` and `role` are its own. `agent`: the program or browser it was made for.
    `expires_at` None: it does not end by itself.
    """

    hash: str
    id: str
    kind: Kind
    account: str
    name: str
    role: Role
    agent: str
    created_at: float
    expires_at: float | None


class TrailLine(NamedTuple):
    """A line of the trail: who did what. `number` counts up without end; `at` is an Instant."""

    number: int
    at: str
    by: str
    action: str
    subject: str
    detail: dict[str, Any]


class Reading(Protocol):
    """One consistent look."""

    def account(self, key: str) -> Account | None: ...
    def accounts(self) -> list[Account]:
        """Return all accounts in order of their keys."""
        ...

    def credential(self, hash: str) -> Credential | None: ...
    def credentials(self, kind: Kind, account: str | None = None) -> list[Credential]:
        """Return those of this kind, of one account or of all, in order of making."""
        ...

    def guesses(self, key: str) -> Guesses: ...


class Writing(Reading, Protocol):
    """One transaction; no other of this storage runs at the same time."""

    def put_account(self, account: Account) -> None:
        """Add the account, or replace the one with its key."""
        ...

    def drop_account(self, key: str) -> None: ...
    def put_credential(self, credential: Credential) -> None: ...
    def drop_credential(self, hash: str) -> None: ...
    def drop_expired(self, now: float) -> None:
        """Forget the credentials that have ended by themselves."""
        ...

    def put_guesses(self, key: str, guesses: Guesses, now: float, most: int) -> None:
        """Keep them; of more than `most` names forget the ones longest not tried. `now` is of the clock of locks."""
        ...

    def drop_guesses(self, key: str) -> None: ...
    def note(self, by: str, action: str, subject: str, **detail: str | int) -> None:
        """Add a line to the trail of who did what."""
        ...


class Storage(Protocol):
    def read(self) -> AbstractContextManager[Reading]: ...
    def write(self, *, growing: bool = False) -> AbstractContextManager[Writing]:
        """Return a transaction. `growing`: it adds what stays; refused earlier than others when the disk gets full.

        Raises Unavailable when nothing can be written.
        """
        ...
