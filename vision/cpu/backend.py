"""The CPU backend: each camera in a thread of its own, so that none can stop another one; a batch for each picture."""

import itertools
import threading
import time
from pathlib import Path
from typing import List

from vision.analysis import Backend, Report, Take
from vision.cpu import pixels
from vision.cpu.analysis import CpuAnalysis
from vision.cpu.stream import Captured, Stream
from vision.follow import follow
from vision.graph import Graph, Source
from vision.packs.manifest import check_files, load_manifest
from vision.shot import Shot


class CpuBackend(Backend):
    """Sources and analysis of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._stopping = threading.Event()
        self._threads: List[threading.Thread] = []

    def load(self) -> CpuAnalysis:
        directory = Path(self._graph.detect.pack)
        manifest = load_manifest(directory)
        check_files(directory, manifest)
        return CpuAnalysis(self._graph, directory, manifest)

    def start(self, take: Take, report: Report) -> None:
        self._threads = [
            threading.Thread(target=self._run, args=(source, take, report), name="camera-" + source.id, daemon=True)
            for source in self._graph.sources]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _run(self, source: Source, take: Take, report: Report) -> None:
        frames = itertools.count()
        follow(source, lambda one: Stream(one, self._graph.decode, self._graph.batch),
               lambda taken: take([_shot(source.id, next(frames), taken)]),
               lambda state, reason: report(source.id, state, reason), self._stopping)


def _shot(camera: str, frame: int, taken: Captured) -> Shot:
    rgb = taken.rgb
    height, width = rgb.shape[:2]
    return Shot(camera, frame, taken.at, width, height, lambda: rgb, lambda: pixels.jpeg(rgb))


def render(graph: Graph) -> CpuBackend:
    """Gives the backend of a graph; nothing is opened yet."""
    return CpuBackend(graph)
