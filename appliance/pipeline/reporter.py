"""From a finding to a recorded incident: nothing is lost while the disk, the picture or a person is not there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from appliance.pipeline.rules.rule import Finding
from contract.camera import Picture
from contract.errors import SentryboxError, Unavailable
from contract.incident import Evidence, IncidentDraft
from contract.observation import Observation

log = logging.getLogger(__name__)

SNAPSHOT_S = 1.0
RETRY_S = (1.0, 5.0, 15.0, 30.0)
SETTLE_S = 3.0
MAX_WAITING = 1000
"""Incidents held in memory while the disk refuses them; beyond it the oldest wait is worth more than a new one."""


class Reporter:
    """Writes findings down, each in a task of its own. Belongs to one event loop.

    `picture(camera, frame)` gives the picture of a frame. `keep_file` and `record` block and are called in a thread.
    """

    def __init__(self, picture: Callable[[str, int], Awaitable[Picture]], keep_file: Callable[[bytes, str], Evidence],
                 record: Callable[[IncidentDraft], None]) -> None:
        self._picture = picture
        self._keep_file = keep_file
        self._record = record
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, finding: Finding, observation: Observation, location: str) -> None:
        """Begin to write a finding down, with the picture of the observation it was made in."""
        if len(self._tasks) >= MAX_WAITING:
            log.error("an incident is lost: %d wait for the disk already", len(self._tasks))
            return
        task = asyncio.create_task(self._write(finding, observation, location))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, finding: Finding, observation: Observation, location: str) -> None:
        evidence = await self._snapshot(observation)
        draft = IncidentDraft(kind=finding.kind, severity=finding.severity, at=observation.at, location=location,
                              camera=observation.camera, people=finding.people, description=finding.description,
                              evidence=evidence)
        attempt = 0
        while True:
            try:
                await asyncio.to_thread(self._record, draft)
                return
            except Unavailable as error:
                wait = RETRY_S[min(attempt, len(RETRY_S) - 1)]
                attempt += 1
                log.error("an incident at %s cannot be written: %s; next try in %.0f s", location, error, wait)
                await asyncio.sleep(wait)
            except SentryboxError as error:
                if not draft.people:
                    log.error("an incident at %s was refused by the store: %s", location, error)
                    return
                # Somebody it names was erased a moment ago: what happened is still written down.
                log.warning("an incident at %s is written without names: %s", location, error)
                draft = draft._replace(people=())

    async def _snapshot(self, observation: Observation) -> tuple[Evidence, ...]:
        """Return the picture of the frame, kept on disk. An incident without one is better than none."""
        try:
            picture = await asyncio.wait_for(self._picture(observation.camera, observation.frame), SNAPSHOT_S)
            return (await asyncio.to_thread(self._keep_file, picture.jpeg, "image/jpeg"),)
        except (SentryboxError, TimeoutError) as error:
            log.warning("no picture for the incident on %s: %s", observation.camera, error or "it took too long")
            return ()

    async def settle(self) -> None:
        """Wait a moment for incidents still being written (at shutdown)."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_S)
