"""All cameras of the box: their watches, their state, and the way from a finding to a recorded incident."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, NamedTuple

from appliance.pipeline.rules.rule import Finding
from appliance.pipeline.watch import Watch, local_zone
from contract.camera import CameraState, Picture, Still
from contract.errors import NotFound, SentryboxError, Unavailable
from contract.incident import Evidence, IncidentDraft
from contract.match import Match
from contract.observation import Face, Observation
from contract.zone import Zone
from visionlink.workers import CameraReport, Workers

log = logging.getLogger(__name__)

SNAPSHOT_S = 1.0
RETRY_S = (1.0, 5.0, 15.0, 30.0)
MAX_WAITING = 1000
"""Incidents held in memory while the disk refuses them; beyond it the oldest wait is worth more than a new one."""


class Place(NamedTuple):
    """A camera as people know it."""

    id: str
    name: str
    location: str


class Recorder(NamedTuple):
    """How a finding is written down; both calls block and are made in a thread."""

    keep_file: Callable[[bytes, str], Evidence]
    record: Callable[[IncidentDraft], None]


class Cameras:
    """The Vision port of the API, over the workers. Belongs to one event loop.

    `zones_of(camera)` is asked for every frame, `name_of(person)` for the overlay: both must be cheap.
    """

    def __init__(self, places: list[Place], identify: Callable[[Face], Match],
                 zones_of: Callable[[str], tuple[Zone, ...]], name_of: Callable[[str], str | None], recorder: Recorder,
                 camera_changed: Callable[[str], None]) -> None:
        self._places: Mapping[str, Place] = {place.id: place for place in places}
        self._watches = {place.id: Watch(identify, local_zone()) for place in places}
        self._zones_of = zones_of
        self._name_of = name_of
        self._recorder = recorder
        self._camera_changed = camera_changed
        self._tasks: set[asyncio.Task[None]] = set()
        self.workers: Workers | None = None

    def observed(self, observation: Observation) -> None:
        """Take an observation from a worker."""
        watch = self._watches.get(observation.camera)
        if watch is None:
            log.warning("an observation of the unknown camera %s was dropped", observation.camera)
            return
        for finding in watch.observe(observation, self._zones_of(observation.camera)):
            if len(self._tasks) >= MAX_WAITING:
                log.error("an incident is lost: %d wait for the disk already", len(self._tasks))
                return
            task = asyncio.create_task(self._report(self._places[observation.camera], observation, finding))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _report(self, place: Place, observation: Observation, finding: Finding) -> None:
        evidence = await self._snapshot(observation)
        draft = IncidentDraft(kind=finding.kind, severity=finding.severity, at=observation.at, location=place.location,
                              camera=place.id, people=finding.people, description=finding.description,
                              evidence=evidence)
        attempt = 0
        while True:
            try:
                await asyncio.to_thread(self._recorder.record, draft)
                return
            except Unavailable as error:
                wait = RETRY_S[min(attempt, len(RETRY_S) - 1)]
                attempt += 1
                log.error("an incident at %s cannot be written: %s; next try in %.0f s", place.location, error, wait)
                await asyncio.sleep(wait)
            except SentryboxError as error:
                if not draft.people:
                    log.error("an incident at %s was refused by the store: %s", place.location, error)
                    return
                # Somebody it names was erased a moment ago: what happened is still written down.
                log.warning("an incident at %s is written without names: %s", place.location, error)
                draft = draft._replace(people=())

    async def _snapshot(self, observation: Observation) -> tuple[Evidence, ...]:
        """The picture of the frame, kept on disk. An incident without one is better than none."""
        try:
            picture = await asyncio.wait_for(self._running().picture(observation.camera, observation.frame), SNAPSHOT_S)
            return (await asyncio.to_thread(self._recorder.keep_file, picture.jpeg, "image/jpeg"),)
        except (SentryboxError, TimeoutError) as error:
            log.warning("no picture for the incident on %s: %s", observation.camera, error or "it took too long")
            return ()

    async def settle(self) -> None:
        """Wait a moment for incidents still being written (at shutdown)."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3.0)

    def changed(self, camera: str, report: CameraReport) -> None:
        """Take a camera's new state from a worker."""
        log.info("camera %s is %s%s", camera, report.state, f": {report.reason}" if report.reason else "")
        self._camera_changed(camera)

    def _running(self) -> Workers:
        if self.workers is None:
            raise Unavailable("vision has not started yet")
        return self.workers

    async def still(self, image: bytes, purpose: Literal["recognise", "enrol"]) -> Still:
        return await self._running().still(image, purpose)

    async def picture(self, camera: str) -> Picture:
        return await self._running().picture(camera)

    def preview(self, camera: str, fps: float) -> AsyncIterator[Picture]:
        return self._running().preview(camera, fps)

    def cameras(self) -> list[CameraState]:
        return [CameraState(*place, *self._running().report(place.id)) for place in self._places.values()]

    def tracks(self, camera: str) -> dict[str, Any]:
        watch = self._watches.get(camera)
        if watch is None:
            raise NotFound(f"there is no camera {camera!r}")
        return watch.overlay(self._name_of)

    def problem(self) -> str:
        return self._running().problem() if self.workers is not None else "vision has not started yet"
