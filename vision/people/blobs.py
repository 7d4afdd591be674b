"""People as small moving blobs that the pose network confirms. Backend-blind.

A blob is checked when it appears and again every few pictures; the answers are kept with its trail. A blob
refused for some seconds is a ghost (something that was moved, a light) and becomes background.
"""

from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np

from vision.boxes import Box
from vision.people.describer import Body
from vision.people.pairing import dwarfed
from vision.tracker import Tracker, Tracklet

CHECK_EVERY, CHECK_SURE_EVERY = 5, 10
"""Pictures between two looks at one blob; seldom at one that both last looks confirmed."""
MAX_CHECKS = 3
GHOST_S = 3.0


class Blobs(NamedTuple):
    """The parts that a backend gives: moving parts of a picture, and a way to make one of them background."""

    find: Callable[[np.ndarray], List[Box]]
    absorb: Callable[[Box], None]


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

    def update(self, rgb: np.ndarray, frame: int, now: float, faces: Sequence[Box]) -> List[Body]:
        """Return the confirmed people of the next picture (h, w, 3); `now` in seconds.

        Blobs around the large ones of `faces` are left out: those stand for their person.
        """
        boxes = [box for box in self._blobs.find(rgb) if not any(dwarfed(box, face) for face in faces)]
        trails = self._tracker.update(boxes, [0.0] * len(boxes), frame, now)
        for trail in self._due(trails, frame):
            self._check(trail, rgb, frame, now)
        self._drop_ghosts(trails, now)
        alive = {trail.id for trail in trails}
        self._checks = {key: value for key, value in self._checks.items()
                        if key in alive or frame - value.frame < 20 * CHECK_EVERY}
        return [Body(trail.id, trail.box, min(self._score(trail.id), 1.0), trail.born)
                for trail in trails if self._score(trail.id) >= self._threshold]

    def _due(self, trails: List[Tracklet], frame: int) -> List[Tracklet]:
        waiting = [(self._next_check(trail.id), trail) for trail in trails]
        waiting = sorted((pair for pair in waiting if pair[0] <= frame), key=lambda pair: pair[0])
        return [trail for _, trail in waiting[:MAX_CHECKS]]

    def _next_check(self, trail_id: int) -> int:
        checks = self._checks.get(trail_id)
        if checks is None:
            return -1
        sure = min(checks.last, checks.before) >= self._threshold
        return checks.frame + (CHECK_SURE_EVERY if sure else CHECK_EVERY)

    def _check(self, trail: Tracklet, rgb: np.ndarray, frame: int, now: float) -> None:
        found = self._presence(rgb, trail.box)
        old = self._checks.get(trail.id, _Checks(0.0, 0.0, frame, now))
        since = now if found >= self._threshold else old.refused_since
        self._checks[trail.id] = _Checks(found, old.last, frame, since)

    def _drop_ghosts(self, trails: List[Tracklet], now: float) -> None:
        for trail in trails:
            if trail.id in self._checks and now - self._checks[trail.id].refused_since > GHOST_S:
                self._blobs.absorb(trail.box)
                self._tracker.forget(trail.id)
                del self._checks[trail.id]

    def _score(self, trail_id: int) -> float:
        """Return the better of the last two answers: one bad look does not end a person."""
        checks = self._checks.get(trail_id)
        return max(checks.last, checks.before) if checks else 0.0
