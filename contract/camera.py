"""Cameras and pictures as box and cloud speak of them."""

from typing import NamedTuple

from contract.observation import Face


class CameraState(NamedTuple):
    """A camera as people know it, and how it is: connecting, live, lost or ended, why, and pictures a second."""

    id: str
    name: str
    location: str
    state: str
    reason: str
    fps: float


class Picture(NamedTuple):
    """A camera's picture as a JPEG file; `at`: when it was taken, `frame`: its number in the run of the worker."""

    jpeg: bytes
    at: str
    frame: int


class Still(NamedTuple):
    """Faces of one still image after EXIF rotation; sizes in pixels."""

    width: int
    height: int
    faces: tuple[Face, ...]
    pack: str
