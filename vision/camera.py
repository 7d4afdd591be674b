"""One camera in its thread: read, observe, publish. A fault in it ends at its edge."""

import logging
import threading
import time
from typing import Any, Callable, Dict, NamedTuple, Optional

from vision.follow import StreamLost, follow
from vision.graph import Source
from vision.observer import Observer
from vision.previews import Watches
from vision.ring import Ring, Shot
from vision.wire import framing
from vision.wire.messages import moment

log = logging.getLogger(__name__)

REPORT_S = 10.0


class Outlet(NamedTuple):
    """Where a camera's words go: say(kind, fields) to all clients; jpeg(rgb); who watches."""

    say: Callable[[int, Dict[str, Any]], None]
    jpeg: Callable[[Any], bytes]
    watches: Watches


class Camera:
    """`start` once; `report` is the camera's last state, as the fields of a `camera` frame."""

    def __init__(self, source: Source, open_stream: Callable[[Source], Any], new_observer: Callable[[], Observer],
                 outlet: Outlet, keep_frames: int) -> None:
        self._source = source
        self._open = open_stream
        self._new_observer = new_observer
        self._observer: Optional[Observer] = None
        self._outlet = outlet
        self._stopping = threading.Event()
        self._frame = 0
        self._counted, self._since = 0, time.monotonic()
        self.ring = Ring(keep_frames)
        self.report: Dict[str, Any] = {"camera": source.id, "state": "connecting", "reason": "", "fps": 0.0}
        self._thread = threading.Thread(target=self._run, name=f"camera-{source.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, wait_s: float) -> None:
        """Wait until the camera has stopped, but not for ever: a network that hangs may hold it."""
        if self._thread.ident is not None:
            self._thread.join(wait_s)

    def picture(self, frame: Optional[int]) -> Optional[Shot]:
        """The kept picture nearest to a frame number; the newest for None."""
        return self.ring.nearest(frame)

    def _run(self) -> None:
        follow(self._source, self._open, self._take, self._set_state, self._stopping)

    def _take(self, taken: Any) -> None:
        shot = Shot(taken.rgb, self._frame, taken.at)
        self._frame += 1
        self.ring.add(shot)
        self._preview(shot)
        try:
            if self._observer is None:
                self._observer = self._new_observer()
            self._outlet.say(framing.OBSERVATION, self._observer.observe(shot))
        except Exception as error:
            log.exception("camera %s: the analysis of picture %d failed", self._source.id, shot.frame)
            self._observer = None
            raise StreamLost(f"the analysis failed: {error}") from error
        self._count()

    def _preview(self, shot: Shot) -> None:
        clients = self._outlet.watches.due(self._source.id, shot.at)
        if not clients:
            return
        data = self._outlet.jpeg(shot.rgb)
        for client in clients:
            client.send(framing.PREVIEW, picture_fields(self._source.id, shot), data)

    def _count(self) -> None:
        """Say now and then how many pictures a second come."""
        self._counted += 1
        passed = time.monotonic() - self._since
        if passed >= REPORT_S:
            self._say_state("live", "", self._counted / passed)
            self._counted, self._since = 0, time.monotonic()

    def _set_state(self, state: str, reason: str) -> None:
        log.log(logging.WARNING if state == "lost" else logging.INFO, "camera %s is %s%s", self._source.id, state,
                f": {reason}" if reason else "")
        self._counted, self._since = 0, time.monotonic()
        self._say_state(state, reason, self._source.fps if state == "live" else 0.0)

    def _say_state(self, state: str, reason: str, fps: float) -> None:
        self.report = {"camera": self._source.id, "state": state, "reason": reason, "fps": round(fps, 1)}
        self._outlet.say(framing.CAMERA, self.report)


def picture_fields(camera: str, shot: Shot) -> Dict[str, Any]:
    """The fields that `picture` and `preview` frames share."""
    height, width = shot.rgb.shape[:2]
    return {"camera": camera, "frame": shot.frame, "at": moment(shot.at), "width": width, "height": height}
