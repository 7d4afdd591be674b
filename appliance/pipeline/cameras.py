"""All cameras of the box: each observation goes to the watch of its camera, and what that finds is reported."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from appliance.pipeline.rules.rule import Finding
from appliance.pipeline.rules.table import Rules
from appliance.pipeline.watch import Watch, local_zone
from contract.camera import CameraState
from contract.errors import NotFound
from contract.match import Match
from contract.observation import Face, Observation
from contract.zone import Zone
from visionlink.workers import CameraReport

log = logging.getLogger(__name__)


class CameraPlan(NamedTuple):
    """A camera as people know it, and the settings of its rules."""

    id: str
    name: str
    location: str
    rules: Rules


class _Watched(NamedTuple):
    plan: CameraPlan
    watch: Watch


class Cameras:
    """The Cameras port of the API. Belongs to one event loop.

    `zones_of(camera)` is asked for every frame, `name_of(person)` for the overlay: both must be cheap. `report_of`
    gives what the worker said last of a camera, `found` takes a finding, its observation and the camera's location.
    """

    def __init__(self, plans: Iterable[CameraPlan], identify: Callable[[Face], Match],
                 zones_of: Callable[[str], tuple[Zone, ...]], name_of: Callable[[str], str | None],
                 report_of: Callable[[str], CameraReport], found: Callable[[Finding, Observation, str], None]) -> None:
        self._watched = {plan.id: _Watched(plan, Watch(identify, local_zone(), plan.rules.running()))
                         for plan in plans}
        self._zones_of = zones_of
        self._name_of = name_of
        self._report_of = report_of
        self._found = found

    def observed(self, observation: Observation) -> None:
        """Take an observation from a worker."""
        watched = self._watched.get(observation.camera)
        if watched is None:
            log.warning("an observation of the unknown camera %s was dropped", observation.camera)
            return
        for finding in watched.watch.observe(observation, self._zones_of(observation.camera)):
            self._found(finding, observation, watched.plan.location)

    def states(self) -> list[CameraState]:
        """Return every camera and how it is, in the order of the box's file."""
        return [CameraState(plan.id, plan.name, plan.location, *self._report_of(plan.id), plan.rules.states())
                for plan, _watch in self._watched.values()]

    def overlay(self, camera: str) -> dict[str, Any]:
        """Return the newest observation of a camera with the names of people known. Raises NotFound."""
        watched = self._watched.get(camera)
        if watched is None:
            raise NotFound(f"there is no camera {camera!r}")
        return watched.watch.overlay(self._name_of)
