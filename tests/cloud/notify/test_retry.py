"""The decision after each attempt: waits grow, ends come, and no path sends three times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.notify import retry
from cloud.notify.outcome import Later
from cloud.notify.retry import BACK_OFF, GIVE_UP_AFTER, MOST_ATTEMPTS, MOST_SENDS, after
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
    steps = [after(Unavailable("busy"), attempt=n, unclear=0, now=NOW) for n in range(1, 8)]
    assert {step.state for step in steps} == {"pending"}
    assert [(from_text(s.not_before) - NOW).total_seconds() for s in steps] == [*BACK_OFF, BACK_OFF[-1], BACK_OFF[-1]]


def test_it_is_tried_for_about_a_day_and_then_failed():
    now, attempt = NOW, 0
    while True:
        attempt += 1
        step = after(Unavailable("busy"), attempt=attempt, unclear=0, now=now)
        if step.state == "failed":
            break
        now = from_text(step.not_before)
    assert attempt == MOST_ATTEMPTS
    assert timedelta(0) <= GIVE_UP_AFTER - (now - NOW) < timedelta(seconds=2 * BACK_OFF[-1])
    assert "given up" in step.reason and "busy" in step.reason


def test_a_final_refusal_is_failed_at_once_with_the_providers_reason():
    step = after(Rejected("Twilio answered 400: invalid number (code 21211)"), attempt=1, unclear=0, now=NOW)
    assert step.state == "failed" and "21211" in step.reason


def test_retry_after_is_honoured_when_longer():
    assert after(Later("busy", after=77), attempt=1, unclear=0, now=NOW).not_before == "2026-11-23T20:01:17.000Z"
    assert after(Later("busy", after=1), attempt=4, unclear=0, now=NOW).not_before == "2026-11-23T20:05:00.000Z"


def test_an_unclear_answer_is_remembered_through_a_clear_refusal():
    step = after(Unavailable("cut off", ambiguous=True), attempt=1, unclear=0, now=NOW)
    assert step.unclear == 1
    assert after(Unavailable("429"), attempt=2, unclear=step.unclear, now=NOW).unclear == 1


@given(st.lists(outcomes, max_size=130), st.lists(st.booleans(), min_size=130, max_size=130))
def test_no_sequence_of_outcomes_sends_more_than_promised(sequence, found):
    """Walk the rules as the dispatcher does, counting the requests that may have reached somebody."""
    unclear, reached, now = 0, 0, NOW
    for attempt, outcome in enumerate(sequence, 1):
        assert unclear == reached
        if unclear and found[attempt - 1]:
            step = after(Accepted("SM1"), attempt=attempt, unclear=unclear, now=now)
        elif unclear >= MOST_SENDS:
            step = retry.after_silence("cut off", unclear)
        else:
            reached += isinstance(outcome, Accepted) or getattr(outcome, "ambiguous", False)
            step = after(outcome, attempt=attempt, unclear=unclear, now=now)
        if step.state in ("accepted", "failed"):
            assert step.not_before is None
            break
        assert from_text(step.not_before) > now, "a retry is always later"
        now, unclear = from_text(step.not_before), step.unclear
    assert reached <= MOST_SENDS
    assert len(sequence) < MOST_ATTEMPTS or step.state in ("accepted", "failed")
