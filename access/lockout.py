"""Slowing down who guesses passwords: pauses that grow with the failures in a row of one name, known or not."""

from typing import NamedTuple

FREE_TRIES = 5
FIRST_S, LONGEST_S = 30.0, 900.0
MOST_NAMES = 10_000
"""Names somebody made up are counted too, so that a lock-out does not tell which names exist; but not without end:
the ones longest not tried are forgotten first."""


class Guesses(NamedTuple):
    """`failures` in a row of a name; no tries before `until`, seconds of the clock that locks are timed by."""

    failures: int = 0
    until: float = 0.0


def pause_after(failures: int) -> float:
    """Return the seconds without tries after so many failures in a row."""
    beyond = failures - FREE_TRIES
    return 0.0 if beyond < 0 else min(LONGEST_S, FIRST_S * 2.0 ** min(beyond, 10))


def wait(guesses: Guesses, now: float) -> float:
    """Return the seconds until the next try, 0 when one may be made. Never longer than the longest pause, for the
    clock may have been set back since."""
    return min(max(guesses.until - now, 0.0), LONGEST_S)


def after_failure(guesses: Guesses, now: float) -> Guesses:
    """Return how the name stands after one more wrong password."""
    failures = guesses.failures + 1
    pause = pause_after(failures)
    return Guesses(failures, now + pause if pause else 0.0)
