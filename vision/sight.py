"""The results of an analysis: the people of a shot with their tracks, poses and faces; the faces of a still image."""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from vision.boxes import Box


class Quality(NamedTuple):
    """width: px in the picture; sharpness: variance of the Laplacian; brightness: mean luma 0..255; frontal: 0..1."""

    width: float
    sharpness: float
    brightness: float
    frontal: float


class Face(NamedTuple):
    """A described face. `landmarks` (5, 2) px. `embedding` is float32 (n,), or None when it was not asked for
    or is not finite."""

    box: Box
    score: float
    landmarks: np.ndarray
    quality: Quality
    embedding: Optional[np.ndarray]


class Pose(NamedTuple):
    """A person's 17 joints in COCO's order, float (17, 3): x and y in px of the shot, score 0..1."""

    joints: np.ndarray


class Person(NamedTuple):
    """One person in one shot.

    track: the number that stays with the person, no other camera of the worker has it. source: "body", or "face"
    where only a face fills the picture and stands for the person. age: shots since the track began. face, pose: None
    where the backend has none to give for this shot.
    """

    track: int
    source: str
    box: Box
    score: float
    age: int
    face: Optional[Face] = None
    pose: Optional[Pose] = None


class Sight(NamedTuple):
    """The content of one shot."""

    people: Tuple[Person, ...]


class StillSight(NamedTuple):
    """The content of a still image. All sizes in px of the upright image as it was sent."""

    width: int
    height: int
    faces: Tuple[Face, ...]


def enlarged(face: Face, scale: float) -> Face:
    """Gives the face with its sizes times `scale`, for a picture that was analysed smaller than it is."""
    x, y, width, height = face.box
    return face._replace(box=(x * scale, y * scale, width * scale, height * scale), landmarks=face.landmarks * scale,
                         quality=face.quality._replace(width=face.quality.width * scale))
