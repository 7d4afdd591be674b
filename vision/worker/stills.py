"""The queue of still images: answered in their own thread, so that no still waits for a camera."""

import logging
import queue
import threading
from typing import Any, Callable, Dict, NamedTuple

from vision.analysis import Analysis, Refused
from vision.memory import give_back
from vision.wire import framing
from vision.worker.messages import still_fields

log = logging.getLogger(__name__)

MAX_WAITING = 4
"""Uploads held at a time; who sends more waits in the socket."""
LARGE = 4000000


class StillRequest(NamedTuple):
    """An image that `client` sent to be read, under the `id` of its request."""

    id: Any
    data: bytes
    client: Any


class Stills:
    """analysis() gives what reads an image, or raises Refused (no models yet)."""

    def __init__(self, analysis: Callable[[], Analysis]) -> None:
        self._analysis = analysis
        self._waiting: "queue.Queue[StillRequest]" = queue.Queue(MAX_WAITING)

    def start(self) -> None:
        threading.Thread(target=self._run, name="stills", daemon=True).start()

    def put(self, request: StillRequest) -> None:
        """Takes a request; waits while too many wait already."""
        self._waiting.put(request)

    def _run(self) -> None:
        while True:
            request = self._waiting.get()
            answer = self._answer(request.data)
            request.client.send(framing.FACES, dict(answer, id=request.id))
            if answer.get("width", 0) * answer.get("height", 0) > LARGE:
                give_back()

    def _answer(self, data: bytes) -> Dict[str, Any]:
        try:
            analysis = self._analysis()
            return still_fields(analysis.still(data), analysis.manifest.id)
        except Refused as refused:
            return {"error": {"code": refused.code, "detail": refused.detail}}
        except Exception as error:
            log.exception("a still image of %d bytes could not be read", len(data))
            return {"error": {"code": "internal", "detail": f"the picture could not be analysed: {error}"}}
