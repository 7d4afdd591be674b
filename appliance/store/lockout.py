"""Slowing down who guesses passwords. Counted in the database, timed by the monotonic clock.

A restart cannot end a lockout: what was left of it when it was last written begins again.
"""

import math
import time
from collections.abc import Callable

from appliance.store.clock import Clock
from appliance.store.connection import Connection, Write
from appliance.store.limits import UPKEEP
from contract.errors import Unavailable

FREE_TRIES = 5
FIRST_S, LONGEST_S = 30.0, 900.0
MOST_NAMES = 1000
"""Names somebody made up are remembered too, so that a lockout does not tell which names exist; but not without end."""


def pause_after(failures: int) -> float:
    """Seconds without tries after so many failures in a row."""
    beyond = failures - FREE_TRIES
    return 0.0 if beyond < 0 else min(LONGEST_S, FIRST_S * 2.0 ** min(beyond, 10))


class Lockout:
    """Failures in a row per name."""

    def __init__(self, connection: Connection, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock, self._monotonic = connection, clock, monotonic
        with connection.read() as db:
            rows = db.execute("SELECT name, locked_s FROM lockouts WHERE locked_s > 0").fetchall()
        self._until = {name: monotonic() + seconds for name, seconds in rows}

    def check(self, name: str) -> None:
        """Raise Unavailable while the name is locked out."""
        left = self._until.get(name, 0.0) - self._monotonic()
        if left > 0:
            raise Unavailable(f"too many wrong passwords: try again in {math.ceil(left)} seconds")

    def failed(self, name: str) -> None:
        """Count a failure and lock the name out when there were too many."""
        with self._connection.write(UPKEEP) as write:
            row = write.execute("SELECT failures FROM lockouts WHERE name = ?", (name,)).fetchone()
            failures = (row[0] if row else 0) + 1
            pause = pause_after(failures)
            write.execute("INSERT INTO lockouts VALUES (?,?,?,?) ON CONFLICT (name) DO UPDATE SET "
                          "failures = excluded.failures, locked_s = excluded.locked_s, at = excluded.at",
                          (name, failures, pause, self._clock()))
            self._drop_oldest(write)
        if pause:
            self._until[name] = self._monotonic() + pause

    def _drop_oldest(self, write: Write) -> None:
        for (name,) in write.execute("DELETE FROM lockouts WHERE name IN (SELECT name FROM lockouts ORDER BY at DESC "
                                     "LIMIT -1 OFFSET ?) RETURNING name", (MOST_NAMES,)).fetchall():
            self._until.pop(name, None)

    def succeeded(self, name: str) -> None:
        """Forget the failures."""
        self._until.pop(name, None)
        with self._connection.write(UPKEEP) as write:
            write.execute("DELETE FROM lockouts WHERE name = ?", (name,))
