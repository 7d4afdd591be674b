"""Turns in the order of asking: a lock that nobody can take twice in a row past somebody who waits."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from contract.errors import Unavailable


class Turns:
    """A first-come, first-served lock. Python's own let a busy thread take it again and again past the others."""

    def __init__(self, wait_s: float) -> None:
        """`wait_s`: the longest wait for a turn."""
        self._wait_s = wait_s
        self._mutex = threading.Lock()
        self._queue: deque[threading.Event] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn inside the block. Raises Unavailable when it does not come in time."""
        mine = threading.Event()
        with self._mutex:
            self._queue.append(mine)
            if self._queue[0] is mine:
                mine.set()
        try:
            if not mine.wait(self._wait_s):
                raise Unavailable(f"the database has been busy for {self._wait_s:g} s", hint="try again")
            yield
        finally:
            with self._mutex:
                self._queue.remove(mine)
                if self._queue:
                    self._queue[0].set()
