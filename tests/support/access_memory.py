"""A storage for access.accounts in memory, for tests of the rules alone. It passes the suite of the real ones."""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from access.lockout import Guesses
from access.storage import Account, Credential, Kind


class MemoryTables:
    """`lines` is the trail: (by, action, subject, detail)."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.people: dict[str, Account] = {}
        self.handed_out: dict[str, Credential] = {}
        self.tried: dict[str, tuple[float, Guesses]] = {}
        self.lines: list[tuple[str, str, str, dict[str, Any]]] = []

    @contextmanager
    def read(self) -> Iterator["MemoryTables"]:
        with self._lock:
            yield self

    @contextmanager
    def write(self, *, growing: bool = False) -> Iterator["MemoryTables"]:
        with self._lock:
            before = copy.copy((dict(self.people), dict(self.handed_out), dict(self.tried), list(self.lines)))
            try:
                yield self
            except BaseException:
                self.people, self.handed_out, self.tried, self.lines = before
                raise

    def account(self, key: str) -> Account | None:
        return self.people.get(key)

    def accounts(self) -> list[Account]:
        return sorted(self.people.values())

    def credential(self, hash: str) -> Credential | None:
        return self.handed_out.get(hash)

    def credentials(self, kind: Kind, account: str | None = None) -> list[Credential]:
        found = [one for one in self.handed_out.values() if one.kind == kind and account in (None, one.account)]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def guesses(self, key: str) -> Guesses:
        return self.tried.get(key, (0.0, Guesses()))[1]

    def put_account(self, account: Account) -> None:
        self.people[account.key] = account

    def drop_account(self, key: str) -> None:
        self.people.pop(key, None)

    def put_credential(self, credential: Credential) -> None:
        self.handed_out[credential.hash] = credential

    def drop_credential(self, hash: str) -> None:
        self.handed_out.pop(hash, None)

    def drop_expired(self, now: float) -> None:
        self.handed_out = {hash: one for hash, one in self.handed_out.items()
                           if one.expires_at is None or one.expires_at > now}

    def put_guesses(self, key: str, guesses: Guesses, now: float, most: int) -> None:
        self.tried[key] = now, guesses
        newest = sorted(self.tried.items(), key=lambda item: item[1][0], reverse=True)[:most]
        self.tried = dict(newest)

    def drop_guesses(self, key: str) -> None:
        self.tried.pop(key, None)

    def note(self, by: str, action: str, subject: str, **detail: str | int) -> None:
        self.lines.append((by, action, subject, detail))
