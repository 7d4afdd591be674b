"""The queue of still images: answered in their own thread, so that no still waits for a camera."""

import logging
import queue
import threading
from typing import Any, Callable, Dict, NamedTuple

from vision.memory import give_back
from vision.still import Refused
from vision.wire import framing

log = logging.getLogger(__name__)

MAX_WAITING = 4
"""Uploads held at a time; who sends more waits in the socket."""
LARGE = 4000000


class Still(NamedTuple):
    id: Any
    data: bytes
    client: Any


class Stills:
    """`read()` gives the function that reads a picture, or raises Refused (no models yet)."""

    def __init__(self, read: Callable[[], Callable[[bytes], Dict[str, Any]]]) -> None:
        self._read = read
        self._waiting = queue.Queue(MAX_WAITING)  # of Still

    def start(self) -> None:
        threading.Thread(target=self._run, name="stills", daemon=True).start()

    def put(self, still: Still) -> None:
        self._waiting.put(still)

    def _run(self) -> None:
        while True:
            still = self._waiting.get()
            answer = self._answer(still.data)
            still.client.send(framing.FACES, dict(answer, id=still.id))
            if answer.get("width", 0) * answer.get("height", 0) > LARGE:
                give_back()

    def _answer(self, data: bytes) -> Dict[str, Any]:
        try:
            return self._read()(data)
        except Refused as refused:
            return {"error": {"code": refused.code, "detail": refused.detail}}
        except Exception as error:
            log.exception("a still image of %d bytes could not be read", len(data))
            return {"error": {"code": "internal", "detail": f"the picture could not be analysed: {error}"}}
