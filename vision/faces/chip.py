"""Face chips: where each pixel of a chip comes from, by the five landmarks and a template of places. Pure numpy."""

from typing import NamedTuple, Tuple

import numpy as np

MEASURED_SIZE = 150
"""px: quality is measured in a chip of this size and dlib's scale, whatever the embedder wants."""


class ChipTemplate(NamedTuple):
    """The places of landmarks in a chip, (5, 2), as shares of its side.

    places: in the embedder's chip; measured: in the chip that quality is measured in. dlib: chips are cut out by dlib's
    conventions, not by ArcFace's (see `plan_chip`). right, left, nose: the rows of the eye at image right, of the
    other eye, and of the nose. reach: the distance between the outer corners of the eyes, in distances between the
    points right and left.
    """

    places: np.ndarray
    measured: np.ndarray
    dlib: bool
    right: int
    left: int
    nose: int
    reach: float


class ChipPlan(NamedTuple):
    """`matrix` (2, 3) maps chip pixels to image pixels; halve the image `halvings` times before sampling."""

    matrix: np.ndarray
    halvings: int


# Outer and inner corner of the eye at image right, of the other eye, base of the nose; a quarter of the face around
# them. From dlib's get_face_chip_details (image_transforms/interpolation.h).
_DLIB = (np.array([
    (0.8595674595992, 0.2134981538014), (0.6460604764104, 0.2289674387677), (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242), (0.4901123135679, 0.6277975316475)]) + 0.25) / 1.5
# Centres of the eye at image left and of the other eye, tip of the nose, corners of the mouth at image left and right,
# in 112 px. From InsightFace's face_align.py; OpenCV's FaceRecognizerSF has the same.
_ARCFACE = np.array([
    (38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]) / 112
_DLIB_EYES = np.array([_DLIB[2:4].mean(0), _DLIB[0:2].mean(0)])
_EYES_APART = _DLIB_EYES[1, 0] - _DLIB_EYES[0, 0]
_ARCFACE_MEASURED = ((_ARCFACE - _ARCFACE[:2].mean(0)) * _EYES_APART / (_ARCFACE[1, 0] - _ARCFACE[0, 0])
                     + _DLIB_EYES.mean(0))

TEMPLATES = {
    "dlib5": ChipTemplate(_DLIB, _DLIB, True, 0, 2, 4, 1.0),
    "arcface5": ChipTemplate(_ARCFACE, _ARCFACE_MEASURED, False, 1, 0, 2,
                             float((_DLIB[0, 0] - _DLIB[2, 0]) / _EYES_APART)),
}
"""By the manifest's words."""


def chip_for(landmarks: np.ndarray, template: ChipTemplate, size: int) -> ChipPlan:
    """Plans the embedder's chip, `size` px, of a face with `landmarks` (5, 2) in image px."""
    return plan_chip(landmarks, template.places * size, size, template.dlib)


def chip_to_measure(landmarks: np.ndarray, template: ChipTemplate) -> ChipPlan:
    """Plans the chip in which the quality of a face with `landmarks` (5, 2) is measured."""
    return plan_chip(landmarks, template.measured * MEASURED_SIZE, MEASURED_SIZE, template.dlib)


def plan_chip(landmarks: np.ndarray, places: np.ndarray, size: int, dlib: bool) -> ChipPlan:
    """Plans the chip of `size` px in which `landmarks` (n, 2, image px) lie nearest to `places` (n, 2, chip px).

    The chip is a least-squares similarity of the image (Umeyama 1991, without reflection). ArcFace's (as in
    InsightFace and OpenCV) is least in chip pixels. dlib's is least in image pixels, and what it cuts out is a
    rectangle around the image of the chip's centre, of side size * scale, whose edge pixels become pixels 0 and
    size - 1. The image is halved while the chip still minifies it more than twice.
    """
    a, b = places - places.mean(0), landmarks - landmarks.mean(0)
    p, q = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    norm = (a * a).sum() if dlib else (p * p + q * q) / max((b * b).sum(), 1e-12)
    turn = np.array([[p, -q], [q, p]]) / max(norm, 1e-12)
    scale = max(float(np.hypot(*turn[0])), 1e-6)
    step, offset = turn, landmarks.mean(0) - turn.dot(places.mean(0))
    side = size * scale
    if dlib:
        centre = turn.dot(np.full(2, size / 2.0)) + offset
        step = turn / scale * (side - 1) / (size - 1)
        offset = centre - step.dot(np.full(2, (size - 1) / 2.0))
    halvings, rest = 0, side
    while ((rest - 1) / 2) ** 2 > size * size:
        rest, halvings = rest / 2, halvings + 1
    return ChipPlan(np.hstack([step, offset[:, None]]), halvings)


def eyes_and_nose(landmarks: np.ndarray, template: ChipTemplate) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gives the outer ends of the eyes at image right and left, and the nose, each (2,)."""
    right, left = landmarks[template.right], landmarks[template.left]
    beyond = (right - left) * (template.reach - 1) / 2
    return right + beyond, left - beyond, landmarks[template.nose]
