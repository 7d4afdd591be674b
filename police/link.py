"""The state of the connection to the police channel: read by pages and health, written by reader and watch."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from contract.moments import now

SETTLED_S = 4.0
"""A stream that is open for so long, in seconds, while a peer answers, was not refused: refusals come at once."""


class LinkState(NamedTuple):
    """`since`: from when on it is as it is. `problem` is "" while the channel can be read; `refused` says that waiting
    does not help. `height`: blocks of the channel, None until a peer said so."""

    since: str
    problem: str
    refused: bool
    height: int | None


class ChannelLink:
    """Safe for several threads. It begins cut off."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._since = now()
        self._height: int | None = None
        self._cut, self._refusal = "no peer has answered yet", ""
        self._opened: float | None = None

    def state(self) -> LinkState:
        with self._lock:
            return LinkState(self._since, self._refusal or self._cut, bool(self._refusal), self._height)

    def answered(self, height: int) -> None:
        """Note that a peer was asked and answered."""
        with self._lock:
            settled = self._opened is not None and self._clock() - self._opened >= SETTLED_S
            self._move("", "" if settled else self._refusal)
            self._height = height

    def cut_off(self, problem: str) -> None:
        """Note that no peer answers."""
        with self._lock:
            self._move(problem, self._refusal)

    def opened(self) -> None:
        """Note that the stream was opened; whether it may be read shows in a moment."""
        with self._lock:
            self._opened = self._clock()

    def reading(self) -> None:
        """Note that something came."""
        with self._lock:
            self._move("", "")

    def refused(self, problem: str) -> None:
        """Note that the channel is not read, whoever answers: not allowed, or not the channel that was read before."""
        with self._lock:
            self._opened = None
            self._move(self._cut, problem)

    def _move(self, cut: str, refusal: str) -> None:
        if bool(cut or refusal) != bool(self._cut or self._refusal):
            self._since = now()
        self._cut, self._refusal = cut, refusal
