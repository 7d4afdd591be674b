"""The vision workers of this process: started, watched, started again, and asked (the Vision port of the API)."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from contract.camera import Picture, Still
from contract.embedding import EmbeddingSpace
from contract.errors import NotFound, Rejected, SentryboxError, Unavailable
from contract.observation import Face, Observation
from vision.wire import framing
from visionlink.client import VisionClient, read_observation, read_space

log = logging.getLogger(__name__)

START_S = 60.0
"""How long a worker may take from its start to its hello: models are loaded in between."""
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_S = 60.0
"""A worker that ran this long starts again without waiting."""
PREVIEW_QUEUE = 3


class WorkerPlan(NamedTuple):
    """One worker process: how it is started (argv without socket), its socket and the ids of its cameras."""

    name: str
    argv: tuple[str, ...]
    socket: Path
    cameras: tuple[str, ...]


class CameraReport(NamedTuple):
    """The worker's last report of a camera: connecting, live, lost or ended, and why."""

    state: str
    reason: str
    fps: float


class _Worker:
    def __init__(self, plan: WorkerPlan, on_message: Callable[[int, dict[str, Any], bytes], None]) -> None:
        self.plan = plan
        self.client = VisionClient(plan.socket, on_message)
        self.problem = "the vision worker is starting"
        self.pid: int | None = None


class Workers:
    """All methods belong to one event loop. `observed`, `camera_changed` and `described` are called in it.

    `described` is told how embeddings are compared, each time a worker with a model pack says hello.
    """

    def __init__(self, plans: Sequence[WorkerPlan], observed: Callable[[Observation], None],
                 camera_changed: Callable[[str, CameraReport], None],
                 described: Callable[[EmbeddingSpace], None]) -> None:
        self._workers = [_Worker(plan, self._take) for plan in plans]
        self._by_camera = {camera: w for w in self._workers for camera in w.plan.cameras}
        self._observed = observed
        self._camera_changed = camera_changed
        self._described = described
        self._reports: dict[str, CameraReport] = {}
        self._previews: dict[str, list[tuple[float, asyncio.Queue[Picture]]]] = {}
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Keep every worker running until cancelled; then end them all."""
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._workers:
                    group.create_task(self._keep(worker))
        finally:
            self._over.set()

    async def ended(self) -> None:
        """Wait until `run` is over and every worker process is gone."""
        await self._over.wait()

    async def _keep(self, worker: _Worker) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._run_once(worker)
            except (SentryboxError, OSError) as error:
                worker.problem = str(error)
            failures = 0 if time.monotonic() - started > STEADY_S else failures
            wait = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
            failures += 1
            log.error("vision worker %s: %s; starting it again in %.0f s", worker.plan.name, worker.problem, wait)
            for camera in worker.plan.cameras:
                self._report(camera, CameraReport("lost", worker.problem, 0.0))
            await asyncio.sleep(wait)

    async def _run_once(self, worker: _Worker) -> None:
        """One life of a worker process. Raises Unavailable with the reason of its end."""
        plan = worker.plan
        plan.socket.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(*plan.argv, "--socket", str(plan.socket),
                                                       stdin=asyncio.subprocess.DEVNULL)
        worker.pid = process.pid
        worker.problem = "the vision worker is starting"
        try:
            await self._until_listening(process, plan)
            await worker.client.run()
        except Unavailable as error:
            # A worker that ended says more by its exit status than by its broken connection.
            # asyncio.timeout, here and below: in Python 3.11 wait_for can swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await process.wait()
            if process.returncode is not None:
                raise Unavailable(f"the vision worker ended with status {process.returncode}") from error
            raise
        finally:
            worker.pid = None
            await _end(process)

    @staticmethod
    async def _until_listening(process: asyncio.subprocess.Process, plan: WorkerPlan) -> None:
        deadline = time.monotonic() + START_S
        while not plan.socket.exists():
            if process.returncode is not None:
                raise Unavailable(f"the vision worker ended with status {process.returncode} while starting")
            if time.monotonic() > deadline:
                raise Unavailable(f"the vision worker was not ready after {START_S:.0f} s")
            await asyncio.sleep(0.05)

    def _take(self, kind: int, fields: dict[str, Any], blob: bytes) -> None:
        if kind == framing.OBSERVATION:
            self._observed(read_observation(fields))
        elif kind == framing.PREVIEW:
            picture = Picture(blob, str(fields["at"]), int(fields["frame"]))
            for _fps, queue in self._previews.get(str(fields["camera"]), ()):
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(picture)
        elif kind == framing.CAMERA:
            report = CameraReport(str(fields["state"]), str(fields.get("reason", "")), float(fields.get("fps") or 0))
            self._report(str(fields["camera"]), report)
        elif kind == framing.WORKER_HELLO:
            space = read_space(fields)
            if space is not None:
                self._described(space)
        elif kind == framing.ERROR:
            log.warning("the vision worker refused a message: %s", fields.get("reason"))

    def _report(self, camera: str, report: CameraReport) -> None:
        before = self._reports.get(camera)
        self._reports[camera] = report
        if before is None or before.state != report.state:
            self._camera_changed(camera, report)

    def report(self, camera: str) -> CameraReport:
        """Return what is known of a camera."""
        return self._reports.get(camera, CameraReport("connecting", "the vision worker is starting", 0.0))

    def problem(self) -> str:
        """Return why stills cannot be recognised just now; empty when they can."""
        if any(worker.client.connected for worker in self._workers):
            return ""
        return self._workers[0].problem if self._workers else "no vision worker is configured"

    def packs(self) -> tuple[str, ...]:
        """Model packs in use."""
        return tuple(sorted({str(w.client.hello["pack"]) for w in self._workers if w.client.hello.get("pack")}))

    def pids(self) -> list[int]:
        """Process ids of the running workers."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def still(self, image: bytes, purpose: Literal["recognise", "enrol"]) -> Still:
        """Faces in an uploaded image. Raises Rejected (bad image), Unavailable (no worker)."""
        for worker in self._workers:
            if worker.client.connected:
                _kind, fields, _blob = await worker.client.ask(framing.STILL, {"purpose": purpose}, image)
                try:
                    faces = tuple(Face(**face) for face in fields["faces"])
                except ValidationError as error:
                    raise Rejected(f"the vision worker's answer does not fit: {error}") from error
                return Still(int(fields["width"]), int(fields["height"]), faces, str(fields["pack"]))
        raise Unavailable(self.problem())

    async def picture(self, camera: str, frame: int | None = None) -> Picture:
        """Return the JPEG of a frame (the nearest still kept; None: the newest). Raises NotFound, Unavailable."""
        worker = self._worker_of(camera)
        _kind, fields, blob = await worker.client.ask(framing.FRAME, {"camera": camera, "frame": frame}, timeout=5.0)
        return Picture(blob, str(fields["at"]), int(fields["frame"]))

    async def preview(self, camera: str, fps: float) -> AsyncGenerator[Picture, None]:
        """Pictures as they come, at most `fps` a second, until the caller stops. Slow callers miss pictures."""
        worker = self._worker_of(camera)
        queue: asyncio.Queue[Picture] = asyncio.Queue(PREVIEW_QUEUE)
        watcher = (fps, queue)
        self._previews.setdefault(camera, []).append(watcher)
        try:
            await self._tell_preview(camera)
            while True:
                try:
                    async with asyncio.timeout(5.0):
                        newest = await queue.get()
                    yield newest
                except TimeoutError:
                    if not worker.client.connected:
                        raise Unavailable(worker.problem) from None
                    await self._tell_preview(camera)
        finally:
            self._previews[camera].remove(watcher)
            with contextlib.suppress(Unavailable):
                await self._tell_preview(camera)

    async def _tell_preview(self, camera: str) -> None:
        wanted = [fps for fps, _queue in self._previews.get(camera, ())]
        fields = {"camera": camera, "on": bool(wanted), "fps": max(wanted, default=1.0)}
        await self._worker_of(camera).client.tell(framing.WATCH, fields)

    def _worker_of(self, camera: str) -> _Worker:
        worker = self._by_camera.get(camera)
        if worker is None:
            raise NotFound(f"there is no camera {camera!r}", hint=f"cameras: {', '.join(self._by_camera) or 'none'}")
        if not worker.client.connected:
            raise Unavailable(worker.problem)
        return worker


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end, insist after three seconds."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(3.0):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
