"""The next step of a delivery. Pure: values and the time in, a decision out.

Of some requests nobody knows whether they arrived: the answer was lost, or the worker died. They are counted as
`unclear`. While there are any, the provider is asked first, and one more request is made at most (promise 10).
"""

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
    number for number, total in enumerate(accumulate(chain(BACK_OFF, repeat(BACK_OFF[-1]))), 1)
    if total > GIVE_UP_AFTER.total_seconds())
"""Counted in attempts and not by the clock: hours in which no worker ran are no reason to give up."""
MOST_SENDS = 2
"""Requests that may have reached the recipient: the first, and one more after an unclear answer."""


class Next(NamedTuple):
    """The state to store. `not_before` is set while another attempt is to come."""

    state: DeliveryState
    reason: str
    unclear: int
    not_before: str | None = None
    provider_id: str | None = None


def after(outcome: Accepted | SentryboxError, *, attempt: int, unclear: int, now: datetime) -> Next:
    """Return the state after a request or a look-up: number `attempt` (from 1), `unclear` being the count before it."""
    if isinstance(outcome, Accepted):
        return Next("accepted", "", unclear, provider_id=outcome.provider_id)
    if isinstance(outcome, Rejected):
        return Next("failed", outcome.detail, unclear)
    unclear += isinstance(outcome, Unavailable) and outcome.ambiguous
    if attempt >= MOST_ATTEMPTS:
        return Next("failed", f"given up after {attempt} tries: {outcome}", unclear)
    wait = BACK_OFF[min(attempt, len(BACK_OFF)) - 1]
    if isinstance(outcome, Later):
        wait = max(wait, outcome.after)
    return Next("pending", str(outcome), unclear, to_text(now + timedelta(seconds=wait)))


def after_silence(reason: str, unclear: int) -> Next:
    """Return what to store when every request allowed stayed without a clear answer, and the provider does not know of
    the message.
    """
    return Next("failed", f"it may have arrived, nobody confirms it: {reason or 'the worker stopped'}", unclear)
