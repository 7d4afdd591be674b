"""What one would pick instead: the `face_recognition` way on dlib: HOG or CNN boxes, 5 points, ResNet, distance 0.6."""

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import numpy as np

TOLERANCE = 0.6
UPSAMPLE = 1
"""The package's default for face_locations."""


class Reference(NamedTuple):
    hog: Any
    cnn: Any
    points: Any
    net: Any


def load(weights: Path) -> Reference:
    """The package's three models from `weights`, the folder of its .dat files."""
    return Reference(dlib.get_frontal_face_detector(),
                     dlib.cnn_face_detection_model_v1(str(weights / "mmod_human_face_detector.dat")),
                     dlib.shape_predictor(str(weights / "shape_predictor_5_face_landmarks.dat")),
                     dlib.face_recognition_model_v1(str(weights / "dlib_face_recognition_resnet_model_v1.dat")))


def encode(reference: Reference, jpeg: bytes, detector: str) -> list[np.ndarray]:
    """Encodings (128,) of the faces in a JPEG, `detector` "hog" or "cnn". Raises ValueError when it is none."""
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"these {len(jpeg)} bytes are no picture")
    rgb = np.ascontiguousarray(bgr[:, :, ::-1])
    boxes = reference.hog(rgb, UPSAMPLE) if detector == "hog" else [found.rect for found in reference.cnn(rgb, 0)]
    return [np.array(reference.net.compute_face_descriptor(rgb, reference.points(rgb, box), 1)) for box in boxes]


def identify(reference: Reference, jpeg: bytes, detector: str, names: list[str], gallery: np.ndarray) -> set[str]:
    """Names found in a JPEG: nearest of the gallery (n, 128) within the package's tolerance."""
    found = set()
    for vector in encode(reference, jpeg, detector):
        distances = np.linalg.norm(gallery - vector, axis=1)
        best = int(distances.argmin())
        if distances[best] <= TOLERANCE:
            found.add(names[best])
    return found
