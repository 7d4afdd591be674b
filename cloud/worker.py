"""Threads that drain the queues in the database, woken by a commit in this process and by a clock otherwise."""

import logging
import threading
from collections.abc import Callable

from contract.errors import SentryboxError

log = logging.getLogger(__name__)

Round = Callable[[], int]
"""One look at a queue; returns how many things were done, so that a full queue is drained without a pause."""


class Drain:
    """One thread that repeats its rounds. What one round raises is logged, and the others go on."""

    def __init__(self, name: str, rounds: tuple[Round, ...], pause_s: float) -> None:
        """`pause_s`: the longest time between two looks."""
        self._rounds, self._pause_s = rounds, pause_s
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def stop(self) -> None:
        """Finish the round at hand."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            done = sum(self._once(one) for one in self._rounds)
            if not done:
                self._woken.wait(self._pause_s)

    def _once(self, one: Round) -> int:
        try:
            return one()
        except SentryboxError as error:
            log.warning("%s: %s", self._thread.name, error)
        except Exception:
            log.exception("%s failed", self._thread.name)
        return 0
