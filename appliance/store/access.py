"""Accounts, sessions, tokens and guesses in the box's SQLite: a storage for access.accounts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from access.lockout import Guesses
from access.storage import Account, Credential, Kind, Reading, Writing
from appliance.store import trail
from appliance.store.clock import Clock
from appliance.store.connection import Connection, Write
from appliance.store.limits import EDITS, UPKEEP


class AccessTables:
    """The tables `accounts`, `credentials` and `guesses`."""

    def __init__(self, connection: Connection, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock, self._monotonic = connection, clock, monotonic
        # Locks are timed by a clock that cannot be set; it goes on where it was last written down, so that a restart
        # ends no lock: what was left of it then begins again.
        with connection.read() as db:
            written = float(db.execute("SELECT coalesce(max(at), 0) FROM guesses").fetchone()[0])
        self._began = monotonic() - written

    def lock_clock(self) -> float:
        """Seconds that only running takes forward."""
        return self._monotonic() - self._began

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Yield one consistent look."""
        with self._connection.read() as db:
            yield _Reading(db)

    @contextmanager
    def write(self, *, growing: bool = False) -> Iterator[Writing]:
        """Yield one transaction. Raises Unavailable when the disk or the memory is too full for it."""
        with self._connection.write(EDITS if growing else UPKEEP) as write:
            yield _Writing(write, self._clock)


class _Reading:
    def __init__(self, db: Any) -> None:
        self._db = db

    def account(self, key: str) -> Account | None:
        row = self._db.execute("SELECT * FROM accounts WHERE key = ?", (key,)).fetchone()
        return Account(*row) if row else None

    def accounts(self) -> list[Account]:
        return [Account(*row) for row in self._db.execute("SELECT * FROM accounts ORDER BY key").fetchall()]

    def credential(self, hash: str) -> Credential | None:
        row = self._db.execute("SELECT * FROM credentials WHERE hash = ?", (hash,)).fetchone()
        return Credential(*row) if row else None

    def credentials(self, kind: Kind, account: str | None = None) -> list[Credential]:
        rows = self._db.execute("SELECT * FROM credentials WHERE kind = ? AND (? IS NULL OR account = ?) "
                                "ORDER BY created_at, id", (kind, account, account)).fetchall()
        return [Credential(*row) for row in rows]

    def guesses(self, key: str) -> Guesses:
        row = self._db.execute("SELECT failures, until FROM guesses WHERE key = ?", (key,)).fetchone()
        return Guesses(*row) if row else Guesses()


class _Writing(_Reading):
    def __init__(self, write: Write, clock: Clock) -> None:
        super().__init__(write)
        self._write, self._clock = write, clock

    def put_account(self, account: Account) -> None:
        self._write.execute("INSERT OR REPLACE INTO accounts VALUES (?,?,?,?,?)", account)

    def drop_account(self, key: str) -> None:
        self._write.execute("DELETE FROM accounts WHERE key = ?", (key,))

    def put_credential(self, credential: Credential) -> None:
        self._write.execute("INSERT INTO credentials VALUES (?,?,?,?,?,?,?,?,?)", credential)

    def drop_credential(self, hash: str) -> None:
        self._write.execute("DELETE FROM credentials WHERE hash = ?", (hash,))

    def drop_expired(self, now: float) -> None:
        self._write.execute("DELETE FROM credentials WHERE expires_at <= ?", (now,))

    def put_guesses(self, key: str, guesses: Guesses, now: float, most: int) -> None:
        self._write.execute("INSERT OR REPLACE INTO guesses VALUES (?,?,?,?)", (key, *guesses, now))
        self._write.execute("DELETE FROM guesses WHERE key IN (SELECT key FROM guesses ORDER BY at DESC LIMIT -1 "
                            "OFFSET ?)", (most,))

    def drop_guesses(self, key: str) -> None:
        self._write.execute("DELETE FROM guesses WHERE key = ?", (key,))

    def note(self, by: str, action: str, subject: str, **detail: str | int) -> None:
        trail.note(self._write, self._clock, by, action, subject, **detail)
