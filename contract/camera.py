"""Cameras and pictures as box and cloud speak of them."""

from typing import NamedTuple

from pydantic import JsonValue

from contract.model import Model
from contract.observation import Face


class RuleState(Model):
    """One rule as it is set on one camera. `kind`: of the incidents it finds; `effect`: what is reported, in words;
    `settings`: the rule's own, by name."""

    kind: str
    on: bool
    effect: str
    settings: dict[str, JsonValue]


class CameraState(NamedTuple):
    """A camera as people know it, and how it is: connecting, live, lost or ended, why, pictures a second; its rules."""

    id: str
    name: str
    location: str
    state: str
    reason: str
    fps: float
    rules: tuple[RuleState, ...] = ()


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
