"""Strict stand-ins for what needs native code, vision and the cloud link: what was not arranged is refused."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from contract.camera import CameraState, Picture, RuleState, Still
from contract.embedding import EmbeddingSpace, Thresholds
from contract.errors import NotFound, Rejected, Unavailable
from contract.observation import Face, FaceQuality, vector_to_text

PACK = "fake-1"
INTRUSION = RuleState(kind="intrusion", on=True, effect="who stands there for 3 s",
                      settings={"sensitivity": "low"})
SPACE = EmbeddingSpace(pack=PACK, size=128, metric="euclidean", thresholds=Thresholds(
    known=0.5, review=0.6, verify=0.55, margin=0.02, min_width=32))


def space_of(pack: str) -> EmbeddingSpace | None:
    """How faces of the fake pack are compared; of others nobody has said anything."""
    return SPACE if pack == PACK else None


def person_vector(name: str, variation: int = 0) -> np.ndarray:
    """A unit vector for a person: variations lie within 0.3 of each other, people about 1.4 apart."""
    base = _unit(f"person {name}")
    return _normalised(base + 0.1 * _unit(f"variation {name} {variation}"))


def face(name: str, variation: int = 0, *, box: tuple[float, float, float, float] = (100, 80, 120, 120),
         sharpness: float = 220.0, brightness: float = 120.0, frontal: float = 0.9, pack: str = PACK) -> Face:
    """A face of `name` as vision reports it."""
    quality = FaceQuality(width=box[2], sharpness=sharpness, brightness=brightness, frontal=frontal)
    return Face(box=box, score=0.97, landmarks=(), quality=quality, pack=pack,
                embedding=vector_to_text(person_vector(name, variation)))


class FakeVision:
    """The Vision and Cameras ports. `photos` maps image bytes to their faces; other bytes are no image.

    `fault` makes every call Unavailable."""

    def __init__(self) -> None:
        self.photos: dict[bytes, tuple[Face, ...]] = {}
        self.fault = ""
        self.cameras = [CameraState("gate", "Main gate", "North entrance", "live", "", 12.0, (INTRUSION,)),
                        CameraState("roof", "Roof", "Roof of building B", "lost", "no answer from the camera", 0.0,
                                    (INTRUSION.model_copy(update={"on": False}),))]
        self.seen: dict[str, dict[str, Any]] = {}
        self.jpeg = b"\xff\xd8fake jpeg\xff\xd9"
        self.watched = 0

    def add(self, *faces: Face) -> bytes:
        """New image bytes that show these faces."""
        image = b"\xff\xd8photo %d" % len(self.photos)
        self.photos[image] = faces
        return image

    async def still(self, image: bytes, purpose: str) -> Still:
        self._works()
        assert purpose in ("recognise", "enrol")
        if image not in self.photos:
            raise Rejected("this is not an image that can be read", hint="not_an_image")
        return Still(640, 480, self.photos[image], PACK)

    async def picture(self, camera: str) -> Picture:
        self._works()
        self._known(camera)
        return Picture(self.jpeg, "2026-11-23T20:00:00.000Z", 1)

    async def preview(self, camera: str, fps: float) -> AsyncGenerator[Picture, None]:
        self._works()
        self._known(camera)
        assert fps > 0
        self.watched += 1
        try:
            while True:
                yield Picture(self.jpeg, "2026-11-23T20:00:00.000Z", 1)
                await asyncio.sleep(1 / fps)
        finally:
            self.watched -= 1

    def states(self) -> list[CameraState]:
        return self.cameras

    def overlay(self, camera: str) -> dict[str, Any]:
        self._known(camera)
        return self.seen.get(camera, {"at": None, "width": 0, "height": 0, "tracks": []})

    def problem(self) -> str:
        return self.fault

    def _works(self) -> None:
        if self.fault:
            raise Unavailable(self.fault)

    def _known(self, camera: str) -> None:
        if camera not in (state.id for state in self.cameras):
            raise NotFound(f"no camera {camera}")


class FakeLink:
    """The connection to the cloud, cut until told otherwise."""

    def __init__(self) -> None:
        self.connected = False

    def state(self) -> dict[str, Any]:
        return {"connected": self.connected, "reason": "" if self.connected else "the broker does not answer",
                "since": "2026-11-23T20:00:00.000Z", "waiting": 0 if self.connected else 3}


def _unit(seed: str) -> np.ndarray:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    return _normalised(np.random.default_rng(number).standard_normal(128))


def _normalised(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
