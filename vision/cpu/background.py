"""Moving blobs against a slow background that follows the camera's gain (OpenCV).

MOG2 and KNN absorb a person who stands still within seconds; this one takes minutes. All at 320 px width.
"""

from typing import List, Optional

import cv2
import numpy as np

from vision.boxes import Box
from vision.cpu import pixels

WIDTH = 320
DIFFERENCE = 36.0
CHANGED_ALL = 0.6
FAST, SLOW = 0.02, 0.0005
MIN_AREA, MIN_HEIGHT = 0.0015, 0.06
"""Parts of the picture's area and height: people in a wide view are small, and the pose network judges them."""
MAX_BLOBS = 24

_OPEN = np.ones((3, 3), np.uint8)
_CLOSE = np.ones((11, 5), np.uint8)
_GROW = np.ones((7, 7), np.uint8)


class Background:
    """One camera's background; not for several threads."""

    def __init__(self) -> None:
        self._mean: Optional[np.ndarray] = None
        self._current: Optional[np.ndarray] = None
        self._scale = 1.0

    def find(self, rgb: np.ndarray) -> List[Box]:
        """Boxes of moving blobs in pixels of `rgb`, largest first; none when everything changed at once."""
        self._scale = rgb.shape[1] / float(WIDTH)
        picture = cv2.blur(self._small(rgb), (3, 3)).astype(np.float32)
        if self._mean is None or self._mean.shape != picture.shape:
            self._mean = picture
            return []
        gain = np.median((picture[::4, ::4] + 1) / (self._mean[::4, ::4] + 1), axis=(0, 1))
        level = picture * (1 / np.maximum(gain, 1e-3)).astype(np.float32)
        self._current = level
        red, green, blue = cv2.split(cv2.absdiff(level, self._mean))
        largest = cv2.max(cv2.max(red, green), blue)
        moving = cv2.threshold(largest, DIFFERENCE, 1, cv2.THRESH_BINARY)[1].astype(np.uint8)
        if cv2.countNonZero(moving) > CHANGED_ALL * moving.size:
            cv2.accumulateWeighted(picture, self._mean, 0.2)
            return []
        near = cv2.dilate(moving, _GROW)
        cv2.accumulateWeighted(level, self._mean, SLOW, mask=near)
        cv2.accumulateWeighted(level, self._mean, FAST, mask=1 - near)
        opened = cv2.morphologyEx(moving, cv2.MORPH_OPEN, _OPEN)
        return self._boxes(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _CLOSE))

    def absorb(self, box: Box) -> None:
        """Make background of what is inside the box now."""
        if self._mean is None or self._current is None:
            return
        x0, y0 = (max(int(value / self._scale) - 2, 0) for value in box[:2])
        x1, y1 = (int((box[i] + box[i + 2]) / self._scale) + 3 for i in (0, 1))
        self._mean[y0:y1, x0:x1] = self._current[y0:y1, x0:x1]

    def _small(self, rgb: np.ndarray) -> np.ndarray:
        """WIDTH px wide. Halved by area first: linear sampling of every pixel is exact there, and fast."""
        picture = pixels.halves(rgb, min(1 / self._scale, 1.0))[-1]
        return cv2.resize(picture, (WIDTH, max(round(rgb.shape[0] / self._scale), 1)),
                          interpolation=cv2.INTER_LINEAR)

    def _boxes(self, mask: np.ndarray) -> List[Box]:
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        rows, columns = mask.shape
        blobs = [stat for stat in stats[1:] if stat[cv2.CC_STAT_AREA] > MIN_AREA * rows * columns
                 and stat[cv2.CC_STAT_HEIGHT] > MIN_HEIGHT * rows]
        blobs.sort(key=lambda stat: -stat[cv2.CC_STAT_AREA])
        return [self._box(*map(float, stat[:4])) for stat in blobs[:MAX_BLOBS]]

    def _box(self, x: float, y: float, width: float, height: float) -> Box:
        return x * self._scale, y * self._scale, width * self._scale, height * self._scale
