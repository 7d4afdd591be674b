"""Health of the box: whether it lives, whether it can do its work, and its figures for Prometheus."""

from collections.abc import Iterator
from typing import Any

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from appliance.api.auth import Box, new_router
from appliance.api.cameras import Camera
from appliance.api.services import Services
from contract.errors import SentryboxError
from contract.incident import IncidentFilter
from contract.moments import now

router = new_router("health")


class Ready(BaseModel):
    ready: bool
    problems: list[str] = []


class BoxStatus(BaseModel):
    """The content of the status bar. `vision`: why recognition does not work, empty when it does."""

    box: str
    version: str
    now: str
    vision: str
    link: dict[str, Any]
    cameras: list[Camera]
    open_incidents: bool


class Figures:
    """The metrics of one app."""

    def __init__(self, services: Services) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("sentrybox_http_requests", "Requests answered", ("method", "route", "status"),
                                registry=self.registry)
        self.seconds = Histogram("sentrybox_http_seconds", "Time to the first byte of an answer", ("route",),
                                 buckets=(.005, .02, .05, .1, .25, .5, 1, 2.5, 10), registry=self.registry)
        self.registry.register(_BoxCollector(services))


class _BoxCollector(Collector):
    """Reads the box when somebody scrapes, and never before."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        services = self._services
        yield InfoMetricFamily("sentrybox_box", "This box",
                               value={"box": services.box, "version": services.version})
        for name, value in services.store.counts().items():
            yield GaugeMetricFamily(f"sentrybox_{name}", f"{name.replace('_', ' ')} in the store", value=value)
        vision = GaugeMetricFamily("sentrybox_vision_up", "1 when recognition works")
        vision.add_metric([], 0.0 if services.vision.problem() else 1.0)
        link = GaugeMetricFamily("sentrybox_cloud_connected", "1 when the box is connected to the cloud")
        link.add_metric([], 1.0 if services.link.state().get("connected") else 0.0)
        live = GaugeMetricFamily("sentrybox_camera_live", "1 when the camera delivers pictures", labels=["camera"])
        fps = GaugeMetricFamily("sentrybox_camera_fps", "Frames per second", labels=["camera"])
        for camera in services.cameras.states():
            live.add_metric([camera.id], 1.0 if camera.state == "live" else 0.0)
            fps.add_metric([camera.id], camera.fps)
        yield from (vision, link, live, fps)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Ready}})
async def readyz(box: Box, response: Response) -> Ready:
    """Say whether the box can do its work: the store answers and recognition works. The cloud is not needed for that.
    """
    problems = []
    try:
        await run_in_threadpool(box.store.counts)
    except SentryboxError as error:
        problems.append(f"store: {error}")
    if box.vision.problem():
        problems.append(f"vision: {box.vision.problem()}")
    response.status_code = 503 if problems else 200
    return Ready(ready=not problems, problems=problems)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Return the figures as Prometheus text. No names and no ids of people."""
    return Response(generate_latest(request.app.state.figures.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/status")
def status(box: Box) -> BoxStatus:
    """Return box, cloud connection, vision and cameras at a glance."""
    waiting, _ = box.store.incidents.page(IncidentFilter(state="open"), None, 1)
    return BoxStatus(box=box.box, version=box.version, now=now(), vision=box.vision.problem(), link=box.link.state(),
                     cameras=[Camera(**c._asdict()) for c in box.cameras.states()], open_incidents=bool(waiting))
