"""From a found face to what is said of it: landmarks, quality, embedding. Backend-blind."""

from typing import Callable, NamedTuple, Optional

import numpy as np

from vision.boxes import Box
from vision.faces.chip import MEASURED_SIZE, ChipPlan, ChipTemplate, chip_for, chip_to_measure
from vision.faces.quality import measure
from vision.sight import Face


class Found(NamedTuple):
    """A detection: box (x, y, w, h) in pixels, score 0..1, and landmarks (5, 2) where the detector gives them."""

    box: Box
    score: float
    landmarks: Optional[np.ndarray] = None


class FaceReader(NamedTuple):
    """Describes faces with the parts that a backend gives.

    points(rgb, found) -> landmarks (5, 2); warp(rgb, plan, size) -> chip; embed(chip) -> float32 (n,). `size`: side of
    the embedder's chip in px.
    """

    template: ChipTemplate
    size: int
    points: Callable[[np.ndarray, Found], np.ndarray]
    warp: Callable[[np.ndarray, ChipPlan, int], np.ndarray]
    embed: Callable[[np.ndarray], np.ndarray]

    def read(self, rgb: np.ndarray, found: Found, with_embedding: bool) -> Face:
        """Describes one face of `rgb` (h, w, 3) uint8."""
        landmarks = self.points(rgb, found)
        chip = self.warp(rgb, chip_to_measure(landmarks, self.template), MEASURED_SIZE)
        quality = measure(chip, landmarks, self.template, found.box)
        return Face(found.box, found.score, landmarks, quality,
                    self._embedding(rgb, landmarks, chip) if with_embedding else None)

    def _embedding(self, rgb: np.ndarray, landmarks: np.ndarray, measured: np.ndarray) -> Optional[np.ndarray]:
        same = self.size == MEASURED_SIZE and self.template.places is self.template.measured
        chip = measured if same else self.warp(rgb, chip_for(landmarks, self.template, self.size), self.size)
        vector = self.embed(chip)
        return vector if np.isfinite(vector).all() else None
