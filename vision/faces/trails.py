"""One camera's faces from picture to picture, and which of them are believed. Backend-blind."""

from typing import Dict, List, NamedTuple, Sequence

from vision.faces.reader import Found
from vision.tracker import Tracker, Tracklet


class FollowedFace(NamedTuple):
    """A face of this picture: its trail, and what the detector found."""

    trail: Tracklet
    found: Found


class FaceTrails:
    """Not for several threads.

    A trail is kept `keep_s` seconds without a face. It is believed once it scored `sure`: shelves and backs of heads
    stay below.
    """

    def __init__(self, tracker: Tracker, keep_s: float, sure: float) -> None:
        self._tracker = tracker
        self._keep_s = keep_s
        self._sure = sure
        self._known: List[Tracklet] = []
        self._best: Dict[int, float] = {}

    def recent(self, now: float) -> List[Tracklet]:
        """Gives the trails that are kept still at `now` (s)."""
        return [trail for trail in self._known if now - trail.seen <= self._keep_s]

    def believed(self, trail: Tracklet) -> bool:
        """Return whether a known trail was a sure face at least once."""
        return self._best[trail.id] >= self._sure

    def update(self, found: Sequence[Found], frame: int, now: float) -> List[FollowedFace]:
        """Takes the faces found in the next picture and gives those that are believed."""
        recent = self.recent(now)
        trails = self._tracker.update([face.box for face in found], [face.score for face in found], frame, now)
        best = {trail.id: self._best[trail.id] for trail in recent}
        for trail in trails:
            best[trail.id] = max(trail.score, best.get(trail.id, 0.0))
        seen = {trail.id for trail in trails}
        self._known = trails + [trail for trail in recent if trail.id not in seen]
        self._best = {trail.id: best[trail.id] for trail in self._known}
        return [FollowedFace(trail, face) for trail, face in zip(trails, found) if self.believed(trail)]
