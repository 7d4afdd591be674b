"""Picture operations of the CPU backend, all on RGB uint8 arrays (h, w, 3)."""

from typing import List

import cv2
import numpy as np

from vision.faces.blaze import Letterbox
from vision.faces.chip import ChipPlan
from vision.packs.manifest import Network

JPEG_QUALITY = 85
_MARGIN = 8


def halvings(scale: float) -> int:
    """Return how often a picture can be halved before it is smaller than `scale` of itself."""
    return max(int(np.log2(1 / scale)), 0) if scale < 1 else 0


def halves(rgb: np.ndarray, scale: float) -> List[np.ndarray]:
    """Return the picture, its half, its quarter, ... as far as `scale` needs: tiles share the costly area sampling."""
    pictures = [rgb]
    for _ in range(halvings(scale)):
        height, width = pictures[-1].shape[:2]
        pictures.append(cv2.resize(pictures[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return pictures


def letterbox(rgb: np.ndarray, box: Letterbox, size: int) -> np.ndarray:
    """Return the picture centred on black, (size, size, 3). Area sampling: small faces are lost by any other."""
    method = cv2.INTER_AREA if box.scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((size, size, 3), np.uint8)
    canvas[box.top:box.top + box.height, box.left:box.left + box.width] = cv2.resize(
        rgb, (box.width, box.height), interpolation=method)
    return canvas


def tensor(rgb: np.ndarray, network: Network) -> np.ndarray:
    """Return (1, 3, h, w) float32, normalised as the network wants it."""
    return cv2.dnn.blobFromImage(rgb, network.scale, (rgb.shape[1], rgb.shape[0]), network.mean,
                                 swapRB=network.colours == "bgr")


def warp_chip(rgb: np.ndarray, plan: ChipPlan, size: int) -> np.ndarray:
    """Return the chip (size, size, 3); outside the picture is black. Minified by area first, as dlib does."""
    matrix = plan.matrix
    if plan.halvings:
        factor = 2 ** plan.halvings
        corners = np.array([[0, 0], [size - 1, 0], [0, size - 1], [size - 1, size - 1]])
        corners = corners.dot(matrix[:, :2].T) + matrix[:, 2]
        margin = _MARGIN * factor
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - margin, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + margin, (rgb.shape[1], rgb.shape[0]))
        columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
        rgb = cv2.resize(rgb[y0:y0 + rows * factor, x0:x0 + columns * factor], (columns, rows),
                         interpolation=cv2.INTER_AREA)
        offset = (matrix[:, 2] - (x0, y0) + 0.5) / factor - 0.5
        matrix = np.hstack([matrix[:, :2] / factor, offset[:, None]])
    return cv2.warpAffine(rgb, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_CONSTANT)


def square_crop(rgb: np.ndarray, centre_x: float, centre_y: float, side: float, size: int) -> np.ndarray:
    """Return an upright square around a point, resampled to (size, size, 3); outside the picture is black."""
    step = side / size
    matrix = np.array([[step, 0, centre_x - side / 2], [0, step, centre_y - side / 2]])
    return cv2.warpAffine(rgb, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_CONSTANT)


def jpeg(rgb: np.ndarray) -> bytes:
    """Return the picture as a JPEG file."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be written as JPEG")
    return data.tobytes()
