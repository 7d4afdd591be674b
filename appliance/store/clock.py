"""The time as the store sees it: a function, so that tests can turn it."""

from collections.abc import Callable

from contract.moments import from_epoch

Clock = Callable[[], float]
"""Unix seconds."""


def instant(clock: Clock) -> str:
    """Return the Instant of now."""
    return from_epoch(clock())
