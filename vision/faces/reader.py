"""From a found face to what is said of it: landmarks, quality, embedding. Backend-blind."""

from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np

from vision.faces.chip import ChipPlan, plan_chip, template
from vision.faces.quality import Quality, measure
from vision.packs.manifest import Alignment

Box = Tuple[float, float, float, float]


class Found(NamedTuple):
    """A detection: box (x, y, w, h) in pixels and score 0..1."""

    box: Box
    score: float


class Face(NamedTuple):
    """A described face. `embedding` is float32 (n,), or None when it was not asked for."""

    box: Box
    score: float
    landmarks: np.ndarray
    quality: Quality
    embedding: Optional[np.ndarray]


class FaceReader(NamedTuple):
    """Describes faces with the parts that a backend gives.

    points(rgb, box) -> (5, 2); warp(rgb, plan, size) -> chip; embed(chip) -> float32 (n,).
    """

    alignment: Alignment
    points: Callable[[np.ndarray, Box], np.ndarray]
    warp: Callable[[np.ndarray, ChipPlan, int], np.ndarray]
    embed: Callable[[np.ndarray], np.ndarray]

    def read(self, rgb: np.ndarray, found: Found, with_embedding: bool) -> Face:
        """`rgb` (h, w, 3) uint8."""
        x, y, width, height = found.box
        dx, dy, across, down = self.alignment.box
        landmarks = self.points(rgb, (x + dx * width, y + dy * height, across * width, down * height))
        plan = plan_chip(landmarks, template(self.alignment), self.alignment.chip)
        chip = self.warp(rgb, plan, self.alignment.chip)
        return Face(found.box, found.score, landmarks, measure(chip, landmarks, found.box),
                    self.embed(chip) if with_embedding else None)
