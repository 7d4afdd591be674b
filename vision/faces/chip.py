"""Face chips for the embedder: where each pixel of the chip comes from. Pure numpy."""

from typing import NamedTuple

import numpy as np

from vision.packs.manifest import Alignment


class ChipPlan(NamedTuple):
    """`matrix` (2, 3) maps chip pixels to image pixels; halve the image `halvings` times before sampling."""

    matrix: np.ndarray
    halvings: int


def template(alignment: Alignment) -> np.ndarray:
    """The landmarks in the chip, pixels, shape (5, 2)."""
    points = np.array(alignment.template)
    return (points + alignment.padding) / (1 + 2 * alignment.padding) * alignment.chip


def plan_chip(landmarks: np.ndarray, places: np.ndarray, size: int) -> ChipPlan:
    """The similarity that lays `landmarks` (image) on `places` (chip of `size` px), with dlib's conventions.

    dlib extracts a rectangle centred on the image of the chip's centre, of side size * scale, and lays chip
    pixels 0 and size - 1 on its edge pixels. It halves the image while that still is larger than the chip.
    """
    a, b = places - places.mean(0), landmarks - landmarks.mean(0)
    norm = (a * a).sum()
    p, q = (a * b).sum() / norm, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    turn = np.array([[p, -q], [q, p]])
    scale = max(float(np.hypot(p, q)), 1e-6)
    centre = turn.dot(np.array([size / 2.0, size / 2.0]) - places.mean(0)) + landmarks.mean(0)
    side = size * scale
    step = turn / scale * (side - 1) / (size - 1)
    offset = centre - step.dot(np.full(2, (size - 1) / 2.0))
    halvings, rest = 0, side
    while ((rest - 1) / 2) ** 2 > size * size:
        rest, halvings = rest / 2, halvings + 1
    return ChipPlan(np.hstack([step, offset[:, None]]), halvings)
