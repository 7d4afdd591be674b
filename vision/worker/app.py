"""The vision worker: cameras and still images in, observations and faces out, over one Unix socket.

    python -m vision --socket PATH --graph FILE

It stays up without a model pack, says so, and looks for the pack again every few seconds. It ends on SIGTERM,
and when the process that started it ends.
"""

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from vision.analysis import Analysis, Backend, Refused
from vision.graph import BACKENDS, Graph, GraphError, parse_graph
from vision.memory import give_back, keep_small
from vision.packs.fields import ManifestError
from vision.shot import PictureGone, Shot
from vision.wire import framing
from vision.wire.framing import Frame, FrameError
from vision.wire.server import Client, Server
from vision.worker.messages import pack_fields, shot_fields
from vision.worker.previews import Watches
from vision.worker.publisher import Publisher
from vision.worker.stills import StillRequest, Stills

log = logging.getLogger(__name__)

PROTOCOL = 1
RETRY_PACK_S = 5.0
END_S = 3.0
GIVE_BACK_S = 10.0


class Worker:
    """All of the process but its command line. Knows of its backend what analysis.py says."""

    def __init__(self, graph: Graph, socket: Path, backend: Backend) -> None:
        self._graph = graph
        self._backend = backend
        self._stopping = threading.Event()
        self._analysis: Optional[Analysis] = None
        self._problem = "the models are still being loaded"
        self._watches = Watches()
        self._server = Server(socket, self._greet, self._handle, self._watches.leave)
        self._publisher = Publisher(graph, self._server.broadcast, self._watches)
        self._stills = Stills(self._loaded)

    def run(self) -> None:
        """Serve until `stop`."""
        self._load()
        self._stills.start()
        self._server.start()
        while self._analysis is None and not self._stopping.wait(RETRY_PACK_S):
            self._load()
        if not self._stopping.is_set():
            self._backend.start(self._take, self._publisher.report)
        while not self._stopping.wait(GIVE_BACK_S):
            give_back()
        self._backend.stop()
        self._server.close()
        self._backend.join(END_S)

    def stop(self) -> None:
        """Let `run` return soon; from any thread."""
        self._stopping.set()

    def _load(self) -> None:
        try:
            self._analysis = self._backend.load()
            # Who came before the pack was there learns of it now.
            self._server.broadcast(framing.WORKER_HELLO, self._hello())
            log.info("pack %s is loaded", self._analysis.manifest.id)
        except ManifestError as error:
            if str(error) != self._problem:
                log.error("%s", error)
            self._problem = str(error)
            self._publisher.wait_for_pack(self._problem)

    def _loaded(self) -> Analysis:
        if self._analysis is None:
            raise Refused("model_missing", self._problem)
        return self._analysis

    def _take(self, shots: Sequence[Shot]) -> None:
        """A batch from the backend: pictures can be seen also when their analysis fails."""
        analysis = self._loaded()
        self._publisher.show(shots)
        self._publisher.tell(shots, analysis.analyse(shots), analysis.manifest.id)

    def _greet(self, client: Client) -> None:
        client.send(framing.WORKER_HELLO, self._hello())
        for report in self._publisher.reports():
            client.send(framing.CAMERA, report)

    def _hello(self) -> Dict[str, Any]:
        return {"version": PROTOCOL, "worker": f"sentrybox-vision ({self._graph.backend})",
                "cameras": [source.id for source in self._graph.sources], "pid": os.getpid(),
                **pack_fields(self._analysis.manifest if self._analysis else None)}

    def _handle(self, client: Client, frame: Frame) -> None:
        if frame.kind == framing.STILL:
            self._stills.put(StillRequest(_required(frame, "id"), frame.blob, client))
        elif frame.kind == framing.FRAME:
            self._send_picture(client, frame)
        elif frame.kind == framing.WATCH:
            self._watch(client, frame)

    def _send_picture(self, client: Client, frame: Frame) -> None:
        request, name = _required(frame, "id"), _required(frame, "camera")
        wanted = frame.fields.get("frame")
        if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int)):
            raise FrameError(f"frame is {wanted!r}; expected a whole number or null")
        try:
            shot = self._publisher.picture(name, wanted)
        except KeyError:
            known = ", ".join(source.id for source in self._graph.sources) or "none"
            _refuse_picture(client, request, "unknown_camera", f"no camera {name!r} here; there are: {known}")
            return
        if shot is None:
            _refuse_picture(client, request, "no_picture", f"camera {name} has given no picture yet")
            return
        try:
            data = shot.jpeg()
        except PictureGone:
            _refuse_picture(client, request, "no_picture", f"picture {shot.frame} of {name} is not kept any more")
            return
        client.send(framing.PICTURE, dict(shot_fields(shot), id=request), data)

    def _watch(self, client: Client, frame: Frame) -> None:
        camera, fps = _required(frame, "camera"), frame.fields.get("fps", 5.0)
        if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not fps > 0:
            raise FrameError(f"fps is {fps!r}; expected a number above 0")
        if frame.fields.get("on", True) is True:
            self._watches.start(client, camera, fps)
        else:
            self._watches.stop(client, camera)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a worker; 2 when the graph is wrong or its backend is not installed, 1 when the socket cannot be made."""
    parser = argparse.ArgumentParser(prog="sentrybox vision", description=__doc__.splitlines()[0])
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on (mode 0600)")
    parser.add_argument("--graph", type=Path, required=True, help="JSON file: model pack, cameras, thresholds")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        graph = parse_graph(options.graph.read_text())
    except (OSError, GraphError) as error:
        print(f"{options.graph}: {error}", file=sys.stderr)
        return 2
    try:
        backend = importlib.import_module(BACKENDS[graph.backend]).render(graph)
    except ImportError as error:
        print(f"{options.graph}: the backend {graph.backend} cannot run here: {error}; "
              "on a PC: pip install 'sentrybox[vision]'", file=sys.stderr)
        return 2
    keep_small()
    parent = os.getppid()
    try:
        worker = Worker(graph, options.socket, backend)
    except OSError as error:
        print(f"{options.socket}: cannot listen: {error}", file=sys.stderr)
        return 1
    _end_with(worker, parent)
    worker.run()
    return 0


def _end_with(worker: Worker, parent: int) -> None:
    """SIGTERM, SIGINT and the end of the parent process end the worker."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stop())

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(1.0)
        worker.stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _refuse_picture(client: Client, request: str, code: str, detail: str) -> None:
    client.send(framing.PICTURE, {"id": request, "error": {"code": code, "detail": detail}})


def _required(frame: Frame, key: str) -> str:
    value: Any = frame.fields.get(key)
    if not isinstance(value, str) or not value:
        raise FrameError(f"{key} is {value!r}; expected a text")
    return value
