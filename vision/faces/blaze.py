"""BlazeFace and BlazePose detectors around the network: letterbox, anchors, decoding, NMS, tiles. Pure numpy.

A detection row is (x0, y0, x1, y1, kx, ky, kx, ky, ...): corners of the box, then the keypoints.
"""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

TILE_OVERLAP = 0.2
BORDER = 2.0
"""A detection this close (px) to an inner tile border is dropped: the neighbouring tile has it whole."""
CONTAINED = 0.6


class Region(NamedTuple):
    """A part of a picture in whole pixels; x1 and y1 are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int


class Letterbox(NamedTuple):
    """The place of a picture centred in a square network input: scale, then offset and size in input pixels."""

    scale: float
    left: int
    top: int
    width: int
    height: int


def fit(width: int, height: int, size: int) -> Letterbox:
    """Return the letterbox of a picture of `width` x `height` in an input of `size` x `size`."""
    scale = size / float(max(width, height))
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    return Letterbox(scale, (size - inner_width) // 2, (size - inner_height) // 2, inner_width, inner_height)


def anchors(size: int, strides: Sequence[int], per: Sequence[int]) -> np.ndarray:
    """Anchor centres as fractions of the input, shape (n, 2), in the order of the network's outputs."""
    layers = []
    for stride, count in zip(strides, per):
        cells = -(-size // stride)
        rows, columns = np.mgrid[0:cells, 0:cells]
        centres = np.stack([(columns + 0.5) / cells, (rows + 0.5) / cells], -1).reshape(-1, 2)
        layers.append(np.repeat(centres, count, axis=0))
    return np.concatenate(layers).astype(np.float32)


def decode(regressors: np.ndarray, logits: np.ndarray, centres: np.ndarray, size: int,
           score: float) -> Tuple[np.ndarray, np.ndarray]:
    """Scores (n,) and rows (n, 4 + 2k) in input pixels of everything that scores at least `score`.

    regressors (anchors, 4 + 2k), logits (anchors,), centres from `anchors`.
    """
    logits = np.clip(logits, -100, 100)
    chosen = np.flatnonzero(logits >= np.log(score / (1 - score)))
    raw, anchor = regressors[chosen] / size, centres[chosen]
    centre, half = raw[:, 0:2] + anchor, raw[:, 2:4] / 2
    points = raw[:, 4:] + np.tile(anchor, (1, (raw.shape[1] - 4) // 2))
    rows = np.concatenate([centre - half, centre + half, points], axis=1) * size
    return 1 / (1 + np.exp(-logits[chosen])), rows


def to_picture(rows: np.ndarray, box: Letterbox, region: Region) -> np.ndarray:
    """Rows in input pixels -> rows in pixels of the picture that `region` was cut from."""
    mapped = rows.copy()
    mapped[:, 0::2] = (rows[:, 0::2] - box.left) / box.scale + region.x0
    mapped[:, 1::2] = (rows[:, 1::2] - box.top) / box.scale + region.y0
    return mapped


def overlaps(row: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Intersection over union of one box with many, shape (n,)."""
    width = np.minimum(row[2], rows[:, 2]) - np.maximum(row[0], rows[:, 0])
    height = np.minimum(row[3], rows[:, 3]) - np.maximum(row[1], rows[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    areas = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
    union: np.ndarray = (row[2] - row[0]) * (row[3] - row[1]) + areas - shared
    return np.asarray(shared / (union + 1e-9))


def best_of_each(scores: np.ndarray, rows: np.ndarray, overlap: float) -> Tuple[np.ndarray, np.ndarray]:
    """Gives scores and rows without those that overlap a better one by more than `overlap`; best first."""
    order = np.argsort(-scores, kind="stable")
    kept: List[int] = []
    while len(order):
        kept.append(int(order[0]))
        order = order[1:][overlaps(rows[order[0]], rows[order[1:]]) <= overlap]
    return scores[kept], rows[kept]


def weighted_nms(scores: np.ndarray, rows: np.ndarray, overlap: float) -> Tuple[np.ndarray, np.ndarray]:
    """MediaPipe's: the best box becomes the score-weighted mean of all that overlap it; best first."""
    order = np.argsort(-scores, kind="stable")
    scores, rows = scores[order], rows[order]
    best, merged = [], []
    while len(scores):
        same = overlaps(rows[0], rows) > overlap
        same[0] = True
        weights = scores[same]
        best.append(scores[0])
        merged.append((rows[same] * weights[:, None]).sum(0) / weights.sum())
        scores, rows = scores[~same], rows[~same]
    return np.array(best), np.array(merged).reshape(len(best), -1)


def drop_contained(scores: np.ndarray, rows: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Drop boxes that lie mostly in a better one (the same face seen at two scales); best first."""
    kept: List[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if not any(_shared_part(rows[index], rows[other]) > CONTAINED for other in kept):
            kept.append(int(index))
    return scores[kept], rows[kept]


def tiles(width: int, height: int, columns: int, rows: int) -> List[Region]:
    """Overlapping tiles that cover a picture, row by row; none when one tile would be the whole picture."""
    if columns * rows <= 1:
        return []
    tile_width = width / (columns - (columns - 1) * TILE_OVERLAP)
    tile_height = height / (rows - (rows - 1) * TILE_OVERLAP)
    step_x, step_y = tile_width * (1 - TILE_OVERLAP), tile_height * (1 - TILE_OVERLAP)
    return [Region(round(x * step_x), round(y * step_y),
                   round(x * step_x + tile_width), round(y * step_y + tile_height))
            for y in range(rows) for x in range(columns)]


def grid(width: int, height: int, single: float, fine: float) -> Tuple[int, int]:
    """Gives (columns, rows) of near-square tiles. One up to `single` px on the long side, two to `fine`, then three."""
    long_side, short_side = max(width, height), min(width, height)
    along = 1 if long_side <= single else 2 if long_side <= fine else 3
    across = max(1, round(along * short_side / float(long_side)))
    return (along, across) if width >= height else (across, along)


def whole_in(rows: np.ndarray, region: Region, width: int, height: int) -> np.ndarray:
    """Return which rows do not touch a border of `region` that is inside the picture, shape (n,) bool."""
    keep = np.ones(len(rows), bool)
    if region.x0 > 0:
        keep &= rows[:, 0] > region.x0 + BORDER
    if region.y0 > 0:
        keep &= rows[:, 1] > region.y0 + BORDER
    if region.x1 < width:
        keep &= rows[:, 2] < region.x1 - BORDER
    if region.y1 < height:
        keep &= rows[:, 3] < region.y1 - BORDER
    return keep


def _shared_part(one: np.ndarray, two: np.ndarray) -> float:
    """Intersection as part of the smaller box."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return float(width * height / max(smaller, 1e-9))
