"""The quality of a face, from its chip and its landmarks. Pure numpy."""

import numpy as np

from vision.boxes import Box
from vision.faces.chip import ChipTemplate, eyes_and_nose
from vision.sight import Quality


def measure(chip: np.ndarray, landmarks: np.ndarray, template: ChipTemplate, box: Box) -> Quality:
    """Measures the quality of a face: `chip` as `chip_to_measure` plans it (n, n, 3) uint8 RGB, `landmarks` (5, 2),
    `box` (x, y, w, h)."""
    luma = chip.astype(np.float32).dot(np.array([0.299, 0.587, 0.114], np.float32))
    return Quality(float(box[2]), sharpness(luma), float(luma.mean()), frontal(*eyes_and_nose(landmarks, template)))


def sharpness(luma: np.ndarray) -> float:
    """Variance of the Laplacian at half the chip's size, over the middle where the face is.

    Half size makes faces of different width comparable: a small face enlarged to a chip has no finer detail.
    """
    rows, columns = luma.shape[0] // 2, luma.shape[1] // 2
    small = luma[:rows * 2, :columns * 2].reshape(rows, 2, columns, 2).mean((1, 3))
    small = small[rows // 6:rows - rows // 6, columns // 6:columns - columns // 6]
    laplacian = (small[:-2, 1:-1] + small[2:, 1:-1] + small[1:-1, :-2] + small[1:-1, 2:] - 4 * small[1:-1, 1:-1])
    return float(laplacian.var())


def frontal(right: np.ndarray, left: np.ndarray, nose: np.ndarray) -> float:
    """Gives 1 when the nose lies midway between the eyes, 0 when it lies under an eye's outer corner or beyond.

    right, left: the outer corners of the eyes at image right and left, (2,).
    """
    axis = right - left
    length = float(axis.dot(axis))
    if length <= 0:
        return 0.0
    place = float((nose - left).dot(axis)) / length
    return float(min(max(1 - abs(place - 0.5) * 2, 0.0), 1.0))
