"""The model pack, built once where it is absent; pictures of faces where ../shared has them; a running worker."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vision.analysis import Backend
from vision.cpu.analysis import CpuAnalysis
from vision.cpu.backend import render
from vision.graph import Graph, parse_graph
from vision.packs.build.fetch import FetchError
from vision.packs.build.pack import build
from vision.wire import framing
from vision.wire.framing import Frame
from vision.worker.app import Worker

ROOT = Path(__file__).parents[2]
MEDIA = ROOT.parent / "shared" / "media"
WAIT_S = 60.0


@pytest.fixture(scope="session")
def pack() -> Path:
    """The directory of the built-in pack: SENTRYBOX_MODELS, or var/models/open-1, built there if absent."""
    directory = Path(os.environ.get("SENTRYBOX_MODELS", ROOT / "var" / "models" / "open-1"))
    try:
        build(directory, ROOT / "var" / "cache", print)
    except FetchError as error:
        pytest.skip(f"the model pack cannot be built here: {error}")
    return directory


@pytest.fixture(scope="session")
def analysis(pack: Path) -> CpuAnalysis:
    return render(parse_graph(json.dumps({"pack": str(pack)}))).load()


@pytest.fixture(scope="session")
def faces() -> Path:
    """The folder of photographed faces."""
    folder = MEDIA / "faces"
    if not folder.is_dir():
        pytest.skip("../shared/media/faces is not here")
    return folder


class Talk:
    """A client of a worker; every wait is bounded."""

    def __init__(self, path: Path) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(WAIT_S)
        self.connection.connect(str(path))

    def send(self, kind: int, fields: dict[str, Any], blob: bytes = b"") -> None:
        self.connection.sendall(framing.encode(kind, fields, blob))

    def read(self) -> Frame:
        return framing.read_frame(self._exactly)

    def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The first frame that is wanted."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            frame = self.read()
            if wanted(frame):
                return frame
        raise AssertionError("what was wanted did not come")

    def state(self, camera: str, state: str) -> dict[str, Any]:
        """The fields of the camera's first report of a state."""
        return self.until(lambda frame: frame.kind == framing.CAMERA and frame.fields["camera"] == camera
                          and frame.fields["state"] == state).fields

    def still(self, data: bytes) -> dict[str, Any]:
        self.send(framing.STILL, {"id": "s", "purpose": "recognise"}, data)
        return self.until(lambda frame: frame.kind == framing.FACES).fields

    def closed(self) -> bool:
        """Whether the other side has hung up, after everything it sent is read."""
        try:
            while self.connection.recv(1 << 16):
                pass
        except OSError:
            return False
        return True

    def close(self) -> None:
        self.connection.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.connection.recv(count - len(data))
            if not part:
                raise EOFError("the worker hung up")
            data += part
        return data


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    """start_worker(graph) runs `python -m vision` and connects to it; more clients: .connect()."""
    with contextlib.ExitStack() as stack:
        def start(graph: dict[str, Any]) -> Talk:
            path, description = tmp_path / "v.sock", tmp_path / "graph.json"
            description.write_text(json.dumps(graph))
            process = subprocess.Popen(
                [sys.executable, "-m", "vision", "--socket", path, "--graph", description],
                cwd=ROOT, stderr=subprocess.PIPE)
            stack.callback(_end, process)
            deadline = time.monotonic() + WAIT_S
            while time.monotonic() < deadline and process.poll() is None:
                with contextlib.suppress(OSError):
                    talk = Talk(path)
                    stack.callback(talk.close)
                    talk.process = process
                    talk.path = path
                    return talk
                select.select([], [], [], 0.05)
            raise AssertionError(f"the worker did not start: {process.communicate()[1].decode()}")

        yield start


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    process.communicate(timeout=WAIT_S)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Graph, Backend], Talk]]:
    """serve(graph, backend) runs a worker over a backend of the test's own, in this process, and connects to it."""
    with contextlib.ExitStack() as stack:
        def start(graph: Graph, backend: Backend) -> Talk:
            path = tmp_path / "own.sock"
            worker = Worker(graph, path, backend)
            thread = threading.Thread(target=worker.run, daemon=True)
            thread.start()
            stack.callback(thread.join, WAIT_S)
            stack.callback(worker.stop)
            talk = Talk(path)
            stack.callback(talk.close)
            talk.path, talk.worker, talk.thread = path, worker, thread
            talk.greeting = []
            # An answer says that from now on everything is heard.
            talk.send(framing.FRAME, {"id": "begin", "camera": "nowhere"})
            while not talk.greeting or talk.greeting[-1].kind != framing.PICTURE:
                talk.greeting.append(talk.read())
            return talk

        yield start
