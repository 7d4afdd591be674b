"""Geometry of boxes (x, y, width, height) in pixels. Pure numpy."""

from typing import List, Tuple

import numpy as np

Box = Tuple[float, float, float, float]
"""x and y of the upper left corner, width, height."""


def centre(box: Box) -> Tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def overlap_table(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of (n, 4) and (m, 4), shape (n, m)."""
    a, b = ones[:, None], others[None]
    width = np.minimum(a[..., 0] + a[..., 2], b[..., 0] + b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 1] + a[..., 3], b[..., 1] + b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    return np.asarray(shared / np.maximum(a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared, 1e-9))


def distance_table(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances between centres in parts of the larger of both boxes' longest sides, shape (n, m)."""
    between = (ones[:, None, :2] + ones[:, None, 2:] / 2) - (others[None, :, :2] + others[None, :, 2:] / 2)
    longest = np.maximum(ones[:, 2:].max(1)[:, None], others[:, 2:].max(1)[None])
    return np.asarray(np.hypot(between[..., 0], between[..., 1]) / np.maximum(longest, 1e-9))


def best_pairs(cost: np.ndarray, limit: float) -> List[Tuple[int, int]]:
    """Pairs (row, column) with cost at most `limit`, cheapest first, each row and column once."""
    cost = cost.copy()
    pairs = []
    while cost.size:
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        if cost[row, column] > limit:
            break
        pairs.append((int(row), int(column)))
        cost[row, :] = np.inf
        cost[:, column] = np.inf
    return pairs
