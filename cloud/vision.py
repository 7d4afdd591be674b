"""The cloud's own vision worker, for enrolment: started at the first photo, then kept."""

import asyncio
import json
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

from contract.camera import Still
from contract.embedding import EmbeddingSpace
from contract.errors import Unavailable
from visionlink.workers import WorkerPlan, Workers

START_S = 60.0
ANSWER_S = 30.0


class EnrolmentVision:
    """Blocking calls from any thread; the worker and its connection live in a thread of their own."""

    def __init__(self, models: Path | None, python: str = "") -> None:
        self._models = models
        self._python = python or sys.executable
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._workers: Workers | None = None
        self._running: Future[None] | None = None
        self._spaces: dict[str, EmbeddingSpace] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def read(self, image: bytes, purpose: Literal["recognise", "enrol"]) -> Still:
        """Return the faces in an uploaded image. Raises Rejected (bad image), Unavailable (no worker, or it is still
        starting).
        """
        loop, workers = self._start()
        deadline = time.monotonic() + START_S
        while workers.problem():
            if time.monotonic() > deadline:
                raise Unavailable(workers.problem())
            time.sleep(0.05)
        return asyncio.run_coroutine_threadsafe(workers.still(image, purpose), loop).result(ANSWER_S)

    def space_of(self, pack: str) -> EmbeddingSpace | None:
        """Return how embeddings of a pack are compared; None while the worker has not said it."""
        return self._spaces.get(pack)

    def _describe(self, space: EmbeddingSpace) -> None:
        self._spaces[space.pack] = space

    def _start(self) -> tuple[asyncio.AbstractEventLoop, Workers]:
        if self._models is None:
            raise Unavailable("this cloud has no vision worker of its own",
                              hint="enrol on a box, or name a model pack in [vision] of the cloud's file")
        with self._lock:
            if self._loop is None or self._workers is None:
                self._folder = tempfile.TemporaryDirectory(prefix="sentrybox-cloud-")
                graph = Path(self._folder.name, "graph.json")
                graph.write_text(json.dumps({"pack": str(self._models.resolve()), "cameras": []}), encoding="utf-8")
                argv = (self._python, "-m", "vision", "--graph", str(graph))
                plan = WorkerPlan("enrolment", argv, Path(self._folder.name, "vision.sock"), ())
                self._workers = Workers([plan], lambda _seen: None, lambda _camera, _report: None, self._describe)
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="enrolment-vision", daemon=True).start()
                self._running = asyncio.run_coroutine_threadsafe(self._workers.run(), self._loop)
            return self._loop, self._workers

    def close(self) -> None:
        """End the worker; harmless when it never ran."""
        with self._lock:
            if self._loop is None or self._workers is None or self._running is None:
                return
            ending = asyncio.run_coroutine_threadsafe(self._workers.ended(), self._loop)
            self._running.cancel()
            ending.result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            if self._folder is not None:
                self._folder.cleanup()
            self._loop = self._workers = self._running = None
