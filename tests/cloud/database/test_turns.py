"""Whoever asked first is served first."""

import threading

import pytest

from cloud.database.turns import Turns
from contract.errors import Unavailable


def test_a_waiting_thread_comes_before_one_that_asks_again():
    turns, order, waiting = Turns(10), [], threading.Event()

    def other():
        waiting.set()
        with turns.turn():
            order.append("other")

    thread = threading.Thread(target=other)
    with turns.turn():
        thread.start()
        waiting.wait()
        while len(turns._queue) < 2:
            pass
    with turns.turn():
        order.append("again")
    thread.join()
    assert order == ["other", "again"]


def test_one_that_gives_up_leaves_the_turn_to_the_next():
    turns = Turns(0.05)
    done = threading.Event()

    def impatient():
        with pytest.raises(Unavailable, match="busy"), turns.turn():
            pass

    with turns.turn():
        thread = threading.Thread(target=impatient)
        thread.start()
        thread.join()
    with turns.turn():
        done.set()
    assert done.is_set()
