"""The decision after each attempt: waits grow, ends come, and no path sends three times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.notify.outcome import Later
from cloud.notify.retry import BACK_OFF, GIVE_UP_AFTER, MOST_ATTEMPTS, MOST_SENDS, after, may_send
from contract.errors import Rejected, Unavailable
from contract.moments import from_text
from contract.ports import Accepted

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)

outcomes = st.one_of(
    st.builds(Accepted, st.none() | st.text(max_size=5)),
    st.builds(Rejected, st.just("no such number")),
    st.builds(Unavailable, st.just("busy"), ambiguous=st.booleans()),
    st.builds(lambda seconds: Later("busy", after=seconds), st.floats(0, 3600)))


def test_waits_are_those_promised():
    waits = [(from_text(after(Unavailable("busy"), attempts=n, unclear=0, now=NOW).not_before) - NOW).total_seconds()
             for n in range(1, 8)]
    assert waits == [*BACK_OFF, BACK_OFF[-1], BACK_OFF[-1]]


def test_it_is_tried_for_about_a_day_and_then_failed():
    now, attempts = NOW, 0
    while True:
        attempts += 1
        step = after(Unavailable("busy"), attempts=attempts, unclear=0, now=now)
        if step.state == "failed":
            break
        now = from_text(step.not_before)
    assert attempts == MOST_ATTEMPTS
    assert timedelta(0) <= GIVE_UP_AFTER - (now - NOW) < timedelta(seconds=2 * BACK_OFF[-1])
    assert "given up" in step.reason and "busy" in step.reason


def test_a_final_refusal_is_failed_at_once_with_the_providers_reason():
    step = after(Rejected("Twilio answered 400: invalid number (code 21211)"), attempts=1, unclear=0, now=NOW)
    assert step.state == "failed" and "21211" in step.reason


def test_retry_after_is_honoured_when_longer():
    assert after(Later("busy", after=77), attempts=1, unclear=0, now=NOW).not_before == "2026-11-23T20:01:17.000Z"
    assert after(Later("busy", after=1), attempts=4, unclear=0, now=NOW).not_before == "2026-11-23T20:05:00.000Z"


@given(st.lists(outcomes, max_size=130))
def test_no_sequence_of_outcomes_sends_more_than_promised(sequence):
    """Walk the rules as the dispatcher does, counting the requests that may have reached somebody."""
    state, unclear, reached = "pending", 0, 0
    now = NOW
    for attempt, outcome in enumerate(sequence, 1):
        if not may_send(unclear):
            break
        step = after(outcome, attempts=attempt, unclear=unclear, now=now)
        reached += isinstance(outcome, Accepted) or getattr(outcome, "ambiguous", False)
        assert step.unclear >= unclear
        state, unclear = step.state, step.unclear
        if state != "pending":
            assert step.not_before is None
            break
        assert from_text(step.not_before) > now, "a retry is always later"
        now = from_text(step.not_before)
    assert reached <= MOST_SENDS
    if len(sequence) >= MOST_ATTEMPTS:
        assert state in ("accepted", "failed") or not may_send(unclear)


@pytest.mark.parametrize(("unclear", "allowed"), [(0, True), (1, True), (2, False), (3, False)])
def test_one_resend_after_an_unclear_answer(unclear, allowed):
    assert may_send(unclear) is allowed
