"""What to do next with a delivery. Pure: values and the time in, a decision out."""

from datetime import datetime, timedelta
from itertools import accumulate, chain, repeat
from typing import NamedTuple

from cloud.notify.outcome import Later
from contract.delivery import DeliveryState
from contract.errors import Rejected, SentryboxError, Unavailable
from contract.moments import to_text
from contract.ports import Accepted

BACK_OFF = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds to wait after the first, second, ... failure; the last one repeats."""
GIVE_UP_AFTER = timedelta(hours=24)
MOST_ATTEMPTS = next(
    number
    for number, total in enumerate(accumulate(chain(BACK_OFF, repeat(BACK_OFF[-1]))), 1)
    if total > GIVE_UP_AFTER.total_seconds()
)
"""Counted in attempts and not by the clock: hours in which no worker ran are no reason to give up."""
MOST_SENDS = 2
"""Requests that may have reached somebody: the first, and one more after an unclear answer (promise 10)."""


class Next(NamedTuple):
    """The state to store. `not_before` is set while another try is to come; `unclear` counts the requests of
    which nobody knows whether they arrived."""

    state: DeliveryState
    reason: str
    unclear: int
    not_before: str | None = None
    provider_id: str | None = None


def may_send(unclear: int) -> bool:
    """Whether one more request keeps the promise of at most two messages."""
    return unclear < MOST_SENDS


def after(outcome: Accepted | SentryboxError, *, attempts: int, unclear: int, now: datetime) -> Next:
    """The state after attempt number `attempts` (1 for the first). `unclear` is the count before it."""
    if isinstance(outcome, Accepted):
        return Next("accepted", "", unclear, provider_id=outcome.provider_id)
    if isinstance(outcome, Rejected):
        return Next("failed", outcome.detail, unclear)
    ambiguous = isinstance(outcome, Unavailable) and outcome.ambiguous
    unclear += ambiguous
    reason = str(outcome)
    if attempts >= MOST_ATTEMPTS:
        return Next("failed", f"given up after {attempts} tries: {reason}", unclear)
    wait = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    if isinstance(outcome, Later):
        wait = max(wait, outcome.after)
    return Next("pending", reason, unclear, not_before=to_text(now + timedelta(seconds=wait)))


def after_silence(reason: str, unclear: int) -> Next:
    """When every allowed request stayed without a clear answer and the provider cannot say what it has."""
    detail = f"sent {unclear} times without a clear answer, it may have arrived: {reason}"
    return Next("failed", detail, unclear)
