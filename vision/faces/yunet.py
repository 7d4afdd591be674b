"""The YuNet face detector around its network: anchor-free cells of strides 8, 16 and 32, five landmarks. Pure numpy.

Decoded as OpenCV's FaceDetectorYN does it (modules/objdetect/src/face_detect.cpp, Apache-2.0). For a cell at (column,
row) of stride s: score = sqrt(cls * obj); centre = (column + b0, row + b1) * s; width, height = exp(b2) * s, exp(b3) *
s; landmarks = (column + k0, row + k1) * s, ...: eye at image left, eye at image right, tip of the nose, corners of the
mouth at image left and right.
"""

from typing import Dict, Sequence, Tuple

import numpy as np

PARTS = (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
"""Outputs for each stride, and values in each cell."""
MAX_EXPONENT = 16.0
"""A wider box is nonsense; without a bound exp would be infinite."""


def outputs(size: int, strides: Sequence[int]) -> Dict[str, Tuple[int, ...]]:
    """Gives names and shapes of the network's outputs for an input of `size` px."""
    return {f"{name}_{stride}": (_cells(size, stride) ** 2, values) for name, values in PARTS for stride in strides}


def decode(values: Sequence[np.ndarray], size: int, strides: Sequence[int],
           score: float) -> Tuple[np.ndarray, np.ndarray]:
    """Decodes what scores at least `score`: scores (n,) and rows (n, 14): corners of the box, five landmarks.

    `values` as `outputs` lists them; rows in px of the input.
    """
    scores, rows = [], []
    count = len(strides)
    for index, stride in enumerate(strides):
        cls, obj, box, points = values[index::count]
        sure = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        chosen = np.flatnonzero(sure >= score)
        cells = _cells(size, stride)
        cell = np.stack([chosen % cells, chosen // cells], 1).astype(np.float32)
        centre = (cell + box[chosen, :2]) * stride
        half = np.exp(np.minimum(box[chosen, 2:], MAX_EXPONENT)) * stride / 2
        landmarks = (np.tile(cell, (1, 5)) + points[chosen]) * stride
        scores.append(sure[chosen])
        rows.append(np.concatenate([centre - half, centre + half, landmarks], axis=1))
    return np.concatenate(scores), np.concatenate(rows)


def _cells(size: int, stride: int) -> int:
    return -(-size // stride)
