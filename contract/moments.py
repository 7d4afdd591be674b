"""Points in time, as text: RFC 3339, UTC, milliseconds, `Z`. One spelling, so that texts compare like times."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator


def to_text(moment: datetime) -> str:
    """Return a time as `2026-11-23T20:00:00.123Z`; its zone is required."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, as in 2026-11-23T20:00:00Z or 2026-11-23T21:00:00+01:00")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Return the moment an Instant names."""
    return datetime.fromisoformat(text)


def from_epoch(seconds: float) -> str:
    """Return the Instant of a Unix time in seconds."""
    return to_text(datetime.fromtimestamp(seconds, UTC))


def now() -> str:
    """Return the Instant of this moment."""
    return to_text(datetime.now(UTC))


def _normalise(value: object) -> str:
    if isinstance(value, datetime):
        return to_text(value)
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("a time is text like 2026-11-23T20:00:00Z")
    try:
        return to_text(datetime.fromisoformat(value))
    except OverflowError as error:
        raise ValueError("a time between the years 1 and 9999 in UTC is wanted") from error


Instant = Annotated[str, BeforeValidator(_normalise)]
