"""dlib's 5-point landmark predictor (`shape_predictor_5_face_landmarks.dat`, CC0) as numpy arrays."""

import numpy as np

from vision.packs.build.dlib_format import Reader

CASCADES, TREES, SPLITS, LEAVES = 15, 500, 15, 16


def convert_five_points(data: bytes) -> dict[str, np.ndarray]:
    """Arrays of the cascade of regression trees, ready for np.savez.

    initial (5, 2) float32; per cascade: first, second (15, 500, 15) int16 pixel indices and threshold
    (15, 500, 15) float32; leaves (15, 500, 16, 10) float32; anchors (15, 800) int8 indices of the nearest
    landmark; deltas (15, 800, 2) float32 offsets from it. Raises ValueError on other bytes.
    """
    reader = Reader(data)
    reader.integer()
    initial = reader.matrix().reshape(5, 2)
    first = np.empty((CASCADES, TREES, SPLITS), np.int16)
    second = np.empty_like(first)
    threshold = np.empty(first.shape, np.float32)
    leaves = np.empty((CASCADES, TREES, LEAVES, 10), np.float32)
    _count(reader, "cascades", CASCADES)
    for cascade in range(CASCADES):
        _count(reader, "trees", TREES)
        for tree in range(TREES):
            at = (cascade, tree)
            _count(reader, "splits", SPLITS)
            for split in range(SPLITS):
                first[at][split], second[at][split] = reader.integer(), reader.integer()
                threshold[at][split] = reader.real()
            _count(reader, "leaves", LEAVES)
            for leaf in range(LEAVES):
                leaves[at][leaf] = reader.matrix().reshape(-1)
    _count(reader, "anchor lists", CASCADES)
    anchors = np.array([[reader.integer() for _ in range(reader.integer())] for _ in range(CASCADES)], np.int8)
    _count(reader, "offset lists", CASCADES)
    deltas = np.array([[(reader.real(), reader.real()) for _ in range(reader.integer())]
                       for _ in range(CASCADES)], np.float32)
    reader.expect_end()
    return {"initial": initial, "first": first, "second": second, "threshold": threshold, "leaves": leaves,
            "anchors": anchors, "deltas": deltas}


def _count(reader: Reader, what: str, wanted: int) -> None:
    reader.expect(f"number of {what}", reader.integer(), wanted)
