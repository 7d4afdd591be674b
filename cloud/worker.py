"""Threads that drain the queues in the database, woken by a commit in this process and by a clock otherwise."""

import logging
import threading
from collections.abc import Callable

from contract.errors import SentryboxError

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 15.0
"""Between two looks at something that has failed several times in a row; nobody who is woken waits for it."""

Round = Callable[[], int]
"""One look at a queue; returns how many things were done, so that a full queue is drained without a pause."""


class Drain:
    """One thread that repeats its rounds. What one round raises is logged, once until it changes, and the others go
    on."""

    def __init__(self, name: str, rounds: tuple[Round, ...], pause_s: float) -> None:
        """`pause_s`: the longest time between two looks."""
        self._rounds, self._pause_s = rounds, pause_s
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._said: dict[Round, str] = {}

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Start a round now: there may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Finish the round at hand."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._woken.clear()
            done = sum(self._once(one) for one in self._rounds)
            failures = failures + 1 if self._said else 0
            if not done:
                self._woken.wait(min(self._pause_s * 2**min(failures, 10), max(self._pause_s, LONGEST_PAUSE_S)))

    def _once(self, one: Round) -> int:
        try:
            done = one()
            if self._said.pop(one, None):
                log.info("%s: works again", self._thread.name)
            return done
        except SentryboxError as error:
            if self._said.get(one) != str(error):
                log.warning("%s: %s", self._thread.name, error)
            self._said[one] = str(error)
        except Exception:
            log.exception("%s failed", self._thread.name)
        return 0
