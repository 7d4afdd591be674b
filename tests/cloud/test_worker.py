"""A thread that drains queues: what fails is said once, waits longer, and keeps nobody else."""

import logging
import threading
import time

from cloud.worker import Drain
from contract.errors import Unavailable


def test_a_failure_is_said_once_until_it_changes_and_the_others_go_on(caplog):
    caplog.set_level(logging.INFO)
    answers = iter([Unavailable("away")] * 3 + [Unavailable("still away"), None])
    others, ended = [], threading.Event()

    def failing() -> int:
        answer = next(answers, None)
        if answer is None:
            ended.set()
            return 0
        raise answer

    drain = Drain("test", (failing, lambda: others.append(1) or 0), 0.001)
    drain.start()
    assert ended.wait(10)  # three short pauses, on a busy machine
    drain.stop()
    said = [record.getMessage() for record in caplog.records if record.name == "cloud.worker"]
    assert said == ["test: away", "test: still away", "test: works again"]
    assert len(others) >= 4


def test_whoever_is_woken_does_not_wait_out_the_pause():
    rounds = threading.Semaphore(0)

    def failing() -> int:
        rounds.release()
        raise Unavailable("away")

    drain = Drain("test", (failing,), 60)
    drain.start()
    assert rounds.acquire(timeout=10)
    time.sleep(0.01)
    drain.wake()
    assert rounds.acquire(timeout=10)  # far below the pause
    drain.stop()
