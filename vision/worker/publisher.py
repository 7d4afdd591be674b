"""The publisher of what the cameras see: states, observations, previews, and the last pictures on request."""

import logging
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from vision.graph import Graph, Source
from vision.shot import PictureGone, Shot
from vision.sight import Sight
from vision.wire import framing
from vision.worker.messages import observation_fields, shot_fields
from vision.worker.previews import Watches
from vision.worker.ring import Ring

log = logging.getLogger(__name__)

REPORT_S = 10.0

Say = Callable[[int, Dict[str, Any]], None]


class _Camera:
    """One camera's last pictures, its last state, and the pictures counted since."""

    def __init__(self, source: Source, keep_frames: int) -> None:
        self.fps = source.fps
        self.ring = Ring(keep_frames)
        self.report: Dict[str, Any] = {"camera": source.id, "state": "connecting", "reason": "", "fps": 0.0}
        self.counted, self.since = 0, time.monotonic()


class Publisher:
    """say(kind, fields) tells all clients. Shots of one camera must come one after another, in any thread."""

    def __init__(self, graph: Graph, say: Say, watches: Watches) -> None:
        self._say = say
        self._watches = watches
        self._cameras = {source.id: _Camera(source, graph.publish.keep_frames) for source in graph.sources}

    def reports(self) -> List[Dict[str, Any]]:
        """Gives each camera's last state, as the fields of a `camera` frame."""
        return [camera.report for camera in self._cameras.values()]

    def wait_for_pack(self, problem: str) -> None:
        """Lets the cameras' states say why nothing is seen yet."""
        for camera in self._cameras.values():
            camera.report = dict(camera.report, reason=problem)

    def report(self, name: str, state: str, reason: str) -> None:
        """Tells everybody a camera's new state."""
        log.log(logging.WARNING if state == "lost" else logging.INFO, "camera %s is %s%s", name, state,
                ": " + reason if reason else "")
        self._tell(name, state, reason, self._cameras[name].fps if state == "live" else 0.0)

    def show(self, shots: Sequence[Shot]) -> None:
        """Keeps the shots for who asks later, and sends them to who watches."""
        for shot in shots:
            self._cameras[shot.camera].ring.add(shot)
            self._preview(shot)

    def tell(self, shots: Sequence[Shot], sights: Sequence[Sight], pack: str) -> None:
        """Tells everybody what was seen: one sight for each shot."""
        if len(shots) != len(sights):
            raise ValueError(f"{len(sights)} sights of {len(shots)} shots")
        for shot, sight in zip(shots, sights):
            self._say(framing.OBSERVATION, observation_fields(shot, sight, pack))
            self._count(shot.camera)

    def picture(self, name: str, frame: Optional[int]) -> Optional[Shot]:
        """Gives the kept shot nearest to a frame number, the newest for None. Raises KeyError for an unknown camera."""
        return self._cameras[name].ring.nearest(frame)

    def _preview(self, shot: Shot) -> None:
        clients = self._watches.due(shot.camera, shot.at)
        if not clients:
            return
        try:
            data = shot.jpeg()
        except PictureGone:
            return
        for client in clients:
            client.send(framing.PREVIEW, shot_fields(shot), data)

    def _count(self, name: str) -> None:
        """Say now and then how many pictures a second come."""
        camera = self._cameras[name]
        camera.counted += 1
        passed = time.monotonic() - camera.since
        if passed >= REPORT_S:
            self._tell(name, "live", "", camera.counted / passed)

    def _tell(self, name: str, state: str, reason: str, fps: float) -> None:
        camera = self._cameras[name]
        camera.counted, camera.since = 0, time.monotonic()
        camera.report = {"camera": name, "state": state, "reason": reason, "fps": round(fps, 1)}
        self._say(framing.CAMERA, camera.report)
