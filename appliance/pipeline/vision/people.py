"""People as small moving blobs that the pose network confirms. Backend-blind.

A blob is checked when it appears and again every few pictures; the answers are kept with its trail. A blob
refused for some seconds is a ghost (something that was moved, a light) and becomes background.
"""

from typing import Callable, Dict, Iterator, List, NamedTuple

import numpy as np

from appliance.pipeline.vision.boxes import Box
from appliance.pipeline.vision.tracker import Tracker, Trail

CHECK_EVERY = 5
MAX_CHECKS = 3
GHOST_S = 3.0


class Blobs(NamedTuple):
    """What a backend gives: moving parts of a picture, and a way to make one of them background."""

    find: Callable[[np.ndarray], List[Box]]
    absorb: Callable[[Box], None]


class Body(NamedTuple):
    """A confirmed person; `score` is the pose network's presence."""

    id: int
    box: Box
    score: float
    born: int


class _Checks(NamedTuple):
    """Presence at the last two checks, the picture of the last one, and since when (s) none confirmed."""

    last: float
    before: float
    frame: int
    refused_since: float


class People:
    """One camera's people."""

    def __init__(self, blobs: Blobs, presence: Callable[[np.ndarray, Box], float], threshold: float,
                 ids: Iterator[int], overlap: float, keep_s: float) -> None:
        self._blobs = blobs
        self._presence = presence
        self._threshold = threshold
        self._tracker = Tracker(ids, overlap, keep_s)
        self._checks: Dict[int, _Checks] = {}

    def update(self, rgb: np.ndarray, frame: int, now: float) -> List[Body]:
        """The confirmed people of the next picture (h, w, 3); `now` in seconds."""
        boxes = self._blobs.find(rgb)
        trails = self._tracker.update(boxes, [0.0] * len(boxes), frame, now)
        for trail in self._due(trails, frame):
            self._check(trail, rgb, frame, now)
        self._drop_ghosts(trails, now)
        alive = {trail.id for trail in trails}
        self._checks = {key: value for key, value in self._checks.items()
                        if key in alive or frame - value.frame < 20 * CHECK_EVERY}
        return [Body(trail.id, trail.box, min(self._score(trail.id), 1.0), trail.born)
                for trail in trails if self._score(trail.id) >= self._threshold]

    def _due(self, trails: List[Trail], frame: int) -> List[Trail]:
        waiting = [trail for trail in trails
                   if trail.id not in self._checks or frame - self._checks[trail.id].frame >= CHECK_EVERY]
        return sorted(waiting, key=lambda trail: self._checks[trail.id].frame if trail.id in self._checks else -1
                      )[:MAX_CHECKS]

    def _check(self, trail: Trail, rgb: np.ndarray, frame: int, now: float) -> None:
        found = self._presence(rgb, trail.box)
        old = self._checks.get(trail.id, _Checks(0.0, 0.0, frame, now))
        since = now if found >= self._threshold else old.refused_since
        self._checks[trail.id] = _Checks(found, old.last, frame, since)

    def _drop_ghosts(self, trails: List[Trail], now: float) -> None:
        for trail in trails:
            if trail.id in self._checks and now - self._checks[trail.id].refused_since > GHOST_S:
                self._blobs.absorb(trail.box)
                self._tracker.forget(trail.id)
                del self._checks[trail.id]

    def _score(self, trail_id: int) -> float:
        """The better of the last two answers: one bad look does not end a person."""
        checks = self._checks.get(trail_id)
        return max(checks.last, checks.before) if checks else 0.0
