from hypothesis import given
from hypothesis import strategies as st

from access.lockout import FREE_TRIES, LONGEST_S, Guesses, after_failure, pause_after, wait


def test_pauses_grow_to_a_quarter_of_an_hour():
    assert [pause_after(n) for n in (0, 4, 5, 6, 9, 10, 10_000)] == [0, 0, 30, 60, 480, 900, 900]


def test_a_lock_ends_by_itself():
    guesses = Guesses()
    for _ in range(FREE_TRIES):
        assert wait(guesses, 100) == 0
        guesses = after_failure(guesses, 100)
    assert [wait(guesses, now) for now in (100, 110, 130, 1000)] == [30, 20, 0, 0]
    assert wait(after_failure(guesses, 130), 130) == 60


@given(st.integers(0, 10**6), st.floats(0, 1e10), st.floats(0, 1e10))
def test_nobody_waits_longer_than_the_longest_pause(failures, until, now):
    assert 0 <= wait(Guesses(failures, until), now) <= LONGEST_S
