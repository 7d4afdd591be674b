"""Telling those who asked what has just been committed."""

import logging
import threading
from collections.abc import Callable, Iterable

from contract.events import Event

log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


class Bus:
    """Listeners, called one after the other in the thread that committed. A failing listener harms nobody else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, Listener] = {}
        self._next = 0

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on; the result ends it and may be called twice."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._listeners[number] = listener

        def end() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return end

    def publish(self, events: Iterable[Event]) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for event in dict.fromkeys(events):
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    log.exception("a listener failed on %s %s", event.topic, event.id)
