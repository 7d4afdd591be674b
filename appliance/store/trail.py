"""The trail of this box: log-ins, refusals, changes of accounts. The newest lines; they stay on the box."""

import json

from access.storage import TrailLine
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write

MOST_LINES = 20_000


def note(write: Write, clock: Clock, by: str, action: str, subject: str, **detail: str | int) -> None:
    """Add a line in the transaction of what it tells of; forget the oldest of more than MOST_LINES."""
    number = write.execute("INSERT INTO trail (at, by, action, subject, detail) VALUES (?,?,?,?,?)",
                           (instant(clock), by, action, subject, json.dumps(detail, sort_keys=True))).lastrowid
    write.execute("DELETE FROM trail WHERE number <= ?", ((number or 0) - MOST_LINES,))


class Trail:
    """The trail, to be read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, before: int | None, limit: int) -> list[TrailLine]:
        """Return lines, newest first; `before` is the number of the last line of the page before."""
        with self._connection.read() as db:
            rows = db.execute("SELECT * FROM trail WHERE ? IS NULL OR number < ? ORDER BY number DESC LIMIT ?",
                              (before, before, limit)).fetchall()
        return [TrailLine(number, at, by, action, subject, json.loads(detail))
                for number, at, by, action, subject, detail in rows]
