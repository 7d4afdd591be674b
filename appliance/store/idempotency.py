"""The same request twice is one record: keys that callers give, and what came of them."""

from typing import Any

from appliance.store.clock import Clock, instant
from appliance.store.connection import Write
from contract.canonical import content_hash
from contract.errors import Conflict
from contract.moments import from_epoch

KEEP_S = 30 * 86400.0


def seen(write: Write, kind: str, key: str | None, content: Any) -> str | None:
    """Return the record this key led to, None for a new key or none. Raises Conflict when the content is another."""
    row = None if key is None else write.execute(
        "SELECT hash, record_id FROM idempotency WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    if row is None:
        return None
    if row[0] != content_hash(content):
        raise Conflict(f"the key {key!r} was used before with another content", hint="use a new key for a new request")
    return str(row[1])


def remember(write: Write, kind: str, key: str | None, content: Any, record_id: str, clock: Clock) -> None:
    """Note what the key led to."""
    if key is not None:
        write.execute("INSERT INTO idempotency VALUES (?,?,?,?,?)",
                      (kind, key, content_hash(content), record_id, instant(clock)))


def forget(write: Write, clock: Clock) -> None:
    """Forget keys older than thirty days."""
    write.execute("DELETE FROM idempotency WHERE at < ?", (from_epoch(clock() - KEEP_S),))
