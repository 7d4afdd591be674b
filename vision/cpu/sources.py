"""The CPU backend's sources: each camera in a thread of its own, so that none can stop another one."""

import itertools
import threading
import time
from typing import List

from vision.analysis import Report, Take
from vision.cpu import pixels
from vision.cpu.stream import Stream, Taken
from vision.follow import follow
from vision.graph import Graph, Source
from vision.shot import Shot


class Sources:
    """`start` once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._stopping = threading.Event()
        self._threads: List[threading.Thread] = []

    def start(self, take: Take, report: Report) -> None:
        """Starts the threads; for `take` and `report` see Backend."""
        self._threads = [
            threading.Thread(target=self._run, args=(source, take, report), name="camera-" + source.id, daemon=True)
            for source in self._graph.sources]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Asks the threads to end."""
        self._stopping.set()

    def join(self, wait_s: float) -> None:
        """Waits for the threads, at most so long for all of them."""
        deadline = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _run(self, source: Source, take: Take, report: Report) -> None:
        frames = itertools.count()
        follow(source, lambda one: Stream(one, self._graph.decode, self._graph.batch),
               lambda taken: take([_shot(source.id, next(frames), taken)]),
               lambda state, reason: report(source.id, state, reason), self._stopping)


def _shot(camera: str, frame: int, taken: Taken) -> Shot:
    rgb = taken.rgb
    height, width = rgb.shape[:2]
    return Shot(camera, frame, taken.at, width, height, lambda: rgb, lambda: pixels.jpeg(rgb))
