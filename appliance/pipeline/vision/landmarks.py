"""dlib's 5-point landmark predictor in numpy: eye corners of the eye at image right, of the other eye, nose base."""

from pathlib import Path
from typing import Tuple

import numpy as np


class FivePoints:
    """An ensemble of regression trees; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        with np.load(str(path)) as arrays:
            self._initial = arrays["initial"]
            self._first = arrays["first"].astype(np.intp)
            self._second = arrays["second"].astype(np.intp)
            self._threshold = arrays["threshold"]
            self._leaves = arrays["leaves"]
            self._anchors = arrays["anchors"].astype(np.intp)
            self._deltas = arrays["deltas"]
        trees, splits = self._threshold.shape[1:]
        self._trees = np.arange(trees)
        self._splits = splits
        self._depth = int(np.log2(splits + 1))

    def __call__(self, rgb: np.ndarray, box: Tuple[float, float, float, float]) -> np.ndarray:
        """Landmarks (5, 2) float64 in pixels of `rgb` (h, w, 3 uint8) for a box (x, y, w, h)."""
        left, top, width, height = box
        grey, offset = _grey_around(rgb, box)
        shape = self._initial
        for cascade in range(len(self._threshold)):
            spread = _similarity(self._initial, shape)
            points = self._deltas[cascade].dot(spread.T) + shape[self._anchors[cascade]]
            pixels = np.floor(points.astype(np.float64) * (width, height) + (left, top) + 0.5).astype(np.intp)
            values = _sample(grey, pixels - offset)
            right = values[self._first[cascade]] - values[self._second[cascade]] > self._threshold[cascade]
            node = np.zeros(len(self._trees), np.intp)
            for _ in range(self._depth):
                node = 2 * node + np.where(right[self._trees, node], 1, 2)
            leaves = self._leaves[cascade][self._trees, node - self._splits]
            # One after another in float32 as dlib adds them; a pairwise sum moves points by a pixel at times.
            shape = np.add.accumulate(np.vstack([shape.reshape(1, -1), leaves]), axis=0)[-1].reshape(-1, 2)
        return shape * (width, height) + (left, top)


def _grey_around(rgb: np.ndarray, box: Tuple[float, float, float, float]) -> Tuple[np.ndarray, np.ndarray]:
    """Grey values (dlib's mean of the channels) of the box with a margin, and its upper left corner (x, y)."""
    left, top, width, height = box
    x0, y0 = max(int(left - width), 0), max(int(top - height), 0)
    x1, y1 = max(int(left + 2 * width) + 1, x0), max(int(top + 2 * height) + 1, y0)
    part = rgb[y0:y1, x0:x1].astype(np.uint16)
    return ((part[:, :, 0] + part[:, :, 1] + part[:, :, 2]) // 3).astype(np.float32), np.array([x0, y0])


def _sample(grey: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Values at (x, y) rows; outside is 0."""
    rows, columns = grey.shape
    if not rows or not columns:
        return np.zeros(len(pixels), np.float32)
    x, y = pixels[:, 0], pixels[:, 1]
    inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    return np.where(inside, grey[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)], np.float32(0))


def _similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The 2x2 rotation and scale that best maps `source` to `target`, float32."""
    a = source.astype(np.float64) - source.mean(0, dtype=np.float64)
    b = target.astype(np.float64) - target.mean(0, dtype=np.float64)
    size = (a * a).sum()
    p, q = (a * b).sum() / size, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
    return np.array([[p, -q], [q, p]], np.float32)
