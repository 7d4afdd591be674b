"""A small tracker: boxes of one thing in successive pictures get one id. Overlap first, then nearness."""

from typing import Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from vision.boxes import Box, best_pairs, centre, distance_table, overlap_table

NEAR = 0.5
"""A box without overlap is the same thing when its centre moved less than half its longest side."""
SMOOTHING = 0.5


class Tracklet(NamedTuple):
    """One thing followed. `seen`: when (s) it last had a box; `velocity`: px per second of its centre."""

    id: int
    box: Box
    score: float
    born: int
    seen: float
    velocity: Tuple[float, float]


class Tracker:
    """`ids` gives new ids (shared between cameras); times are seconds on any one clock."""

    def __init__(self, ids: Iterator[int], overlap: float, keep_s: float) -> None:
        self._ids = ids
        self._overlap = overlap
        self._keep_s = keep_s
        self._trails: List[Tracklet] = []

    def update(self, boxes: Sequence[Box], scores: Sequence[float], frame: int, now: float) -> List[Tracklet]:
        """Return the trail of each box, in their order."""
        known = [trail for trail in self._trails if 0 <= now - trail.seen <= self._keep_s]
        result = {}
        for row, column in _pair([_expected(trail, now) for trail in known], boxes, self._overlap):
            result[column] = _moved(known[row], boxes[column], scores[column], now)
        for column, box in enumerate(boxes):
            if column not in result:
                result[column] = Tracklet(next(self._ids), box, scores[column], frame, now, (0.0, 0.0))
        current = [result[column] for column in range(len(boxes))]
        ids = {trail.id for trail in current}
        self._trails = current + [trail for trail in known if trail.id not in ids]
        return current

    def forget(self, trail_id: int) -> None:
        """Forget a trail: the next box in that place is something new."""
        self._trails = [trail for trail in self._trails if trail.id != trail_id]


def _pair(expected: Sequence[Box], boxes: Sequence[Box], overlap: float) -> List[Tuple[int, int]]:
    if not expected or not boxes:
        return []
    rows, columns = np.array(expected, float), np.array(boxes, float)
    pairs = best_pairs(1 - overlap_table(rows, columns), 1 - overlap)
    distances = distance_table(rows, columns)
    for row, column in pairs:
        distances[row, :] = np.inf
        distances[:, column] = np.inf
    return pairs + best_pairs(distances, NEAR)


def _expected(trail: Tracklet, now: float) -> Box:
    passed = now - trail.seen
    x, y, width, height = trail.box
    return (x + trail.velocity[0] * passed, y + trail.velocity[1] * passed, width, height)


def _moved(trail: Tracklet, box: Box, score: float, now: float) -> Tracklet:
    passed = max(now - trail.seen, 1e-3)
    x, y = centre(box)
    old_x, old_y = centre(trail.box)
    velocity = ((1 - SMOOTHING) * trail.velocity[0] + SMOOTHING * (x - old_x) / passed,
                (1 - SMOOTHING) * trail.velocity[1] + SMOOTHING * (y - old_y) / passed)
    return trail._replace(box=box, score=score, seen=now, velocity=velocity)
