"""Labelled photos for the recognition benchmark, each laid on a 1280x720 picture."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

WIDTH, HEIGHT = 1280, 720
SHARED = Path(__file__).parents[2] / "shared" / "media" / "faces"
KNN = "face_recognition/knn_examples"

ENROL = {
    "alex": [f"{KNN}/train/alex_lacamoire/img1.jpg"],
    "biden": [f"{KNN}/train/biden/biden.jpg", f"{KNN}/train/biden/biden2.jpg"],
    "kit": [f"{KNN}/train/kit_harington/john1.jpeg", f"{KNN}/train/kit_harington/john2.jpeg"],
    "obama": [f"{KNN}/train/obama/obama.jpg", f"{KNN}/train/obama/obama2.jpg"],
    "rose": [f"{KNN}/train/rose_leslie/img1.jpg", f"{KNN}/train/rose_leslie/img2.jpg"],
    "A": ["compreface/001_A.jpg", "compreface/002_A.jpg"],
    "B": ["compreface/007_B.jpg"],
}
PROBE = {
    f"{KNN}/test/alex_lacamoire1.jpg": {"alex"},
    f"{KNN}/test/johnsnow_test1.jpg": {"kit"},
    f"{KNN}/test/kit_with_rose.jpg": {"kit", "rose"},
    f"{KNN}/test/obama1.jpg": {"obama"},
    f"{KNN}/test/obama_and_biden.jpg": {"obama", "biden"},
    "face_recognition/test_images/obama3.jpg": {"obama"},
    "compreface/003_A.jpg": {"A"}, "compreface/004_A.jpg": {"A"}, "compreface/005_A.jpg": {"A"},
    "compreface/006_A.jpg": {"A"}, "compreface/008_B.jpg": {"B"},
}


class Photo(NamedTuple):
    """A JPEG of 1280x720 and the people in it."""

    jpeg: bytes
    people: frozenset[str]


def on_720p(path: Path) -> bytes:
    """The photo as a JPEG of 1280x720: scaled to fit, on its own blurred enlargement. Raises OSError."""
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path} is not an image")
    height, width = image.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    inner = cv2.resize(image, (round(width * scale), round(height * scale)),
                       interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    canvas = cv2.GaussianBlur(cv2.resize(image, (WIDTH, HEIGHT)), (0, 0), 60)
    top, left = (HEIGHT - inner.shape[0]) // 2, (WIDTH - inner.shape[1]) // 2
    canvas[top:top + inner.shape[0], left:left + inner.shape[1]] = inner
    return bytes(cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])


def load(demo_portraits: dict[str, list[Path]]) -> tuple[dict[str, list[bytes]], list[Photo]]:
    """Enrolment photos by person, and probes. Without the labelled collection: the demo's portraits, first enrolled,
    others probed."""
    if SHARED.is_dir():
        enrol = {person: [on_720p(SHARED / name) for name in names] for person, names in ENROL.items()}
        probes = [Photo(on_720p(SHARED / name), frozenset(people)) for name, people in PROBE.items()]
        return enrol, probes
    print("the labelled collection is not here: the demo's portraits are used")
    enrol = {person: [on_720p(paths[0])] for person, paths in demo_portraits.items()}
    return enrol, [Photo(on_720p(path), frozenset({person}))
                   for person, paths in demo_portraits.items() for path in paths[1:] or paths]
