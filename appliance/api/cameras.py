"""Cameras: which there are, what they show, who is seen, and their zones."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import StreamingResponse

from appliance.api.auth import Box, new_router
from appliance.api.lasting import while_allowed
from appliance.api.services import Services
from contract.camera import CameraState, Picture, RuleState
from contract.errors import NotFound, SentryboxError, Unavailable
from contract.ids import Name
from contract.zone import Zone
from web.guard import Who
from web.problems import Problem

router = new_router("cameras")

_BOUNDARY = "sentrybox-frame"


class Camera(BaseModel):
    """`state`: connecting, live, lost or ended; `reason` says why when it is not live. `rules`: what is looked for."""

    id: str
    name: str
    location: str
    state: str
    reason: str
    fps: float
    rules: tuple[RuleState, ...]


class CameraList(BaseModel):
    items: list[Camera]


class ZonesView(BaseModel):
    """A camera's zones and their revision, which a PUT must name."""

    camera: str
    revision: int
    zones: tuple[Zone, ...]


class ZonesChange(BaseModel):
    """All zones of the camera; those left out are removed. Corners are shares of the picture, 0 to 1."""

    model_config = ConfigDict(extra="forbid")

    revision: int = Field(ge=0, le=2**53 - 1)
    zones: tuple[Zone, ...] = Field(max_length=32)

    @model_validator(mode="after")
    def _names_differ(self) -> "ZonesChange":
        names = [zone.name for zone in self.zones]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two zones are called {', '.join(twice)}")
        return self


@router.get("/cameras")
async def listing(box: Box) -> CameraList:
    """Return the cameras of this box and how they are."""
    return CameraList(items=[Camera(**state._asdict()) for state in box.cameras.states()])


@router.get("/cameras/{camera}/snapshot.jpg", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def snapshot(camera: Name, box: Box) -> Response:
    """Return the newest frame. It is not kept."""
    camera_of(box, camera)
    picture = await box.vision.picture(camera)
    return Response(picture.jpeg, media_type="image/jpeg", headers={"X-Captured-At": picture.at})


@router.get("/cameras/{camera}/live", response_class=Response,
            responses={200: {"content": {f"multipart/x-mixed-replace; boundary={_BOUNDARY}": {}}}})
async def live(camera: Name, request: Request, box: Box) -> Response:
    """Send MJPEG for as long as somebody watches. 503 while the camera has no picture, or when too many watch already.
    """
    state = camera_of(box, camera)
    if state.state != "live":
        raise Unavailable(f"camera {camera} is {state.state}: {state.reason or 'there is no picture yet'}")
    viewers = request.app.state.live_viewers
    if viewers.locked():
        raise Problem(503, "too_many_viewers", f"{box.live_viewers} live pictures are open already",
                      hint="close one, or use snapshot.jpg", headers={"Retry-After": "10"})
    return StreamingResponse(while_allowed(request, _frames(box, camera, viewers)),
                             media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}")


@router.get("/cameras/{camera}/tracks")
async def tracks(camera: Name, box: Box) -> dict[str, Any]:
    """Return who was seen last: {at, width, height, tracks: [{id, box, name, status}]}; boxes in shares of the picture.
    """
    camera_of(box, camera)
    return box.cameras.overlay(camera)


@router.get("/cameras/{camera}/zones")
def zones(camera: Name, box: Box) -> ZonesView:
    """Return where on the picture, when, and who may be there."""
    camera_of(box, camera)
    found, revision = box.store.zones.get(camera)
    return ZonesView(camera=camera, revision=revision, zones=found)


@router.put("/cameras/{camera}/zones")
def put_zones(camera: Name, body: ZonesChange, box: Box, who: Who) -> ZonesView:
    """Replace the zones. 409 when somebody else changed them since `revision`."""
    camera_of(box, camera)
    unknown = sorted({i for zone in body.zones for i in zone.allowed if box.store.profiles.find(i) is None})
    if unknown:
        raise Problem(422, "unknown_people", f"allowed names people who are not enrolled: {', '.join(unknown)}",
                      unknown=unknown)
    revision = box.store.zones.put(camera, body.zones, body.revision)
    return ZonesView(camera=camera, revision=revision, zones=body.zones)


def camera_of(box: Services, camera: str) -> CameraState:
    """Return how a camera is. Raises NotFound, saying which cameras there are."""
    states = box.cameras.states()
    for state in states:
        if state.id == camera:
            return state
    raise NotFound(f"no camera {camera}", hint=f"there are {', '.join(s.id for s in states) or 'none'}")


async def _frames(box: Services, camera: str, viewers: asyncio.Semaphore) -> AsyncGenerator[bytes, None]:
    async with viewers:
        frames = box.vision.preview(camera, box.live_fps)
        try:
            # When the camera or the worker goes away the stream ends; the page asks again.
            with contextlib.suppress(SentryboxError):
                async for picture in frames:
                    yield _part(picture)
        finally:
            await frames.aclose()


def _part(picture: Picture) -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n\r\n"
    return head.encode() + picture.jpeg + b"\r\n"
