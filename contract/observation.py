"""Observations: what one camera saw at one instant. Built from the vision worker's JSON, which is checked here once."""

import base64
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from contract.ids import Name
from contract.model import Model
from contract.moments import Instant


def _positive_size(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    width, height = box[2:]
    if width <= 0 or height <= 0:
        raise ValueError(f"a box needs a positive width and height, not {width:g} x {height:g}")
    return box


FrameBox = Annotated[tuple[float, float, float, float], AfterValidator(_positive_size)]
"""x, y of the upper left corner, width, height, in pixels of the frame."""


class FaceQuality(Model):
    """The quality of a picture of a face: width in pixels, sharpness (variance of the Laplacian of the chip), mean luma
    0..255.
    """

    width: float
    sharpness: float
    brightness: float
    frontal: float = Field(ge=0, le=1)


class Face(Model):
    """A found face. `embedding` is base64 of little-endian float32, or absent when the face was not embedded."""

    box: FrameBox
    score: float = Field(ge=0, le=1)
    landmarks: tuple[tuple[float, float], ...] = Field(max_length=5)
    quality: FaceQuality
    embedding: str | None = None
    pack: str

    def vector(self) -> np.ndarray | None:
        """Return the embedding, shape (size,), float32; None when the face was not embedded."""
        return None if self.embedding is None else vector_from_text(self.embedding)


class Track(Model):
    """One person followed by one camera. `source` "face": only a face fills the picture and stands for the person.

    `pose`: 17 joints in COCO's order, each x and y in pixels of the frame and a score 0..1; None where it is not known.
    """

    id: int = Field(ge=0)
    source: Literal["body", "face"]
    box: FrameBox
    score: float = Field(ge=0, le=1)
    age: int = Field(ge=0)
    face: Face | None = None
    pose: tuple[tuple[float, float, float], ...] | None = Field(default=None, min_length=17, max_length=17)

    def foot(self) -> tuple[float, float]:
        """Return the bottom centre of the box: where the person stands, in pixels."""
        x, y, width, height = self.box
        return x + width / 2, y + height


class Observation(Model):
    """Tracks of one frame; `at` is the capture time."""

    camera: Name
    frame: int = Field(ge=0)
    at: Instant
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    tracks: tuple[Track, ...] = Field(default=(), max_length=256)


def vector_from_text(text: str) -> np.ndarray:
    """Return base64 of little-endian float32 as an array of shape (n,). Raises ValueError when it is anything else."""
    raw = base64.b64decode(text, validate=True)
    if not raw or len(raw) % 4:
        raise ValueError(f"an embedding is a whole number of float32 values, not {len(raw)} bytes")
    vector = np.frombuffer(raw, "<f4")
    if not np.isfinite(vector).all():
        raise ValueError("an embedding has only finite values")
    return vector


def vector_to_text(vector: np.ndarray) -> str:
    """Return the inverse of vector_from_text."""
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode("ascii")
