"""dlib's 5-point landmark predictor in numpy: eye corners of the eye at image right, of the other eye, nose base."""

from pathlib import Path

import numpy as np

from vision.boxes import Box


class FivePoints:
    """An ensemble of regression trees; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        with np.load(str(path)) as arrays:
            self._initial = arrays["initial"]
            trees, splits = arrays["threshold"].shape[1:]
            self._first = arrays["first"].astype(np.intp).reshape(-1, trees * splits)
            self._second = arrays["second"].astype(np.intp).reshape(-1, trees * splits)
            self._threshold = arrays["threshold"].reshape(-1, trees * splits)
            self._leaves = arrays["leaves"]
            self._anchors = arrays["anchors"].astype(np.intp)
            self._deltas = arrays["deltas"]
        self._trees, self._splits = trees, splits
        self._roots = np.arange(trees) * splits
        self._depth = int(np.log2(splits + 1))

    def __call__(self, rgb: np.ndarray, box: Box) -> np.ndarray:
        """Landmarks (5, 2) float64 in pixels of `rgb` (h, w, 3 uint8) for a box (x, y, w, h)."""
        left, top, width, height = box
        shape = self._initial
        for cascade in range(len(self._threshold)):
            spread = _similarity(self._initial, shape)
            points = self._deltas[cascade].dot(spread.T) + shape[self._anchors[cascade]]
            pixels = np.floor(points.astype(np.float64) * (width, height) + (left, top) + 0.5).astype(np.intp)
            values = _sample(rgb, pixels)
            first, second, threshold = self._first[cascade], self._second[cascade], self._threshold[cascade]
            node = np.zeros(self._trees, np.intp)
            for _ in range(self._depth):
                at = self._roots + node
                node = 2 * node + np.where(values[first[at]] - values[second[at]] > threshold[at], 1, 2)
            leaves = self._leaves[cascade][np.arange(self._trees), node - self._splits]
            # One after another in float32 as dlib adds them; a pairwise sum moves points by a pixel at times.
            shape = np.add.accumulate(np.vstack([shape.reshape(1, -1), leaves]), axis=0)[-1].reshape(-1, 2)
        return np.asarray(shape * (width, height) + (left, top))


def _sample(rgb: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Grey values (dlib's mean of the channels) at (x, y) rows, float32; outside is 0."""
    rows, columns = rgb.shape[:2]
    x, y = pixels[:, 0], pixels[:, 1]
    inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    colours = rgb[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)]
    return np.where(inside, colours.sum(1, dtype=np.uint16) // 3, 0).astype(np.float32)


def _similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the 2x2 rotation and scale that best maps `source` to `target`, float32."""
    a = source.astype(np.float64) - source.mean(0, dtype=np.float64)
    b = target.astype(np.float64) - target.mean(0, dtype=np.float64)
    size = (a * a).sum()
    p, q = (a * b).sum() / size, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
    return np.array([[p, -q], [q, p]], np.float32)
