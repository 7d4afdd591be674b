"""Moving blobs against a slow background that follows the camera's gain (OpenCV).

MOG2 and KNN absorb a person who stands still within seconds; this one takes minutes. All at 320 px width.
"""

from typing import List, Optional

import cv2
import numpy as np

from appliance.pipeline.vision.boxes import Box

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
        rows = max(round(rgb.shape[0] / self._scale), 1)
        small = cv2.resize(rgb, (WIDTH, rows), interpolation=cv2.INTER_AREA)
        picture = cv2.blur(small, (3, 3)).astype(np.float32)
        if self._mean is None or self._mean.shape != picture.shape:
            self._mean = picture
            return []
        gain = np.median(((picture + 1) / (self._mean + 1))[::2, ::2], axis=(0, 1))
        level = picture / np.maximum(gain, 1e-3)
        self._current = level
        difference = cv2.absdiff(level, self._mean)
        moving = (difference.max(2) > DIFFERENCE).astype(np.uint8)
        if moving.mean() > CHANGED_ALL:
            self._mean = 0.8 * self._mean + 0.2 * picture
            return []
        near = cv2.dilate(moving, _GROW)
        rate = np.where(near > 0, np.float32(SLOW), np.float32(FAST))[:, :, None]
        self._mean += rate * (level - self._mean)
        return self._boxes(cv2.morphologyEx(cv2.morphologyEx(moving, cv2.MORPH_OPEN, _OPEN), cv2.MORPH_CLOSE, _CLOSE))

    def absorb(self, box: Box) -> None:
        """What is inside the box now is background."""
        if self._mean is None or self._current is None:
            return
        x0, y0 = (max(int(value / self._scale) - 2, 0) for value in box[:2])
        x1, y1 = (int((box[i] + box[i + 2]) / self._scale) + 3 for i in (0, 1))
        self._mean[y0:y1, x0:x1] = self._current[y0:y1, x0:x1]

    def _boxes(self, mask: np.ndarray) -> List[Box]:
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        rows, columns = mask.shape
        blobs = [stat for stat in stats[1:] if stat[cv2.CC_STAT_AREA] > MIN_AREA * rows * columns
                 and stat[cv2.CC_STAT_HEIGHT] > MIN_HEIGHT * rows]
        blobs.sort(key=lambda stat: -stat[cv2.CC_STAT_AREA])
        return [tuple(float(value) * self._scale for value in stat[:4]) for stat in blobs[:MAX_BLOBS]]
