"""The box's process: the only place where its parts are wired together."""

import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvicorn

from appliance.api.app import build_app
from appliance.api.services import Services
from appliance.config import BoxConfig
from appliance.pipeline.cameras import CameraPlan, Cameras
from appliance.pipeline.matching import GalleryMatcher
from appliance.pipeline.reporter import Reporter
from appliance.pipeline.spaces import Spaces
from appliance.store.store import Store, open_store
from appliance.sync.claim import claim, endpoint
from appliance.sync.keys import box_key
from appliance.sync.link import Link
from contract.config import read_config
from contract.embedding import EmbeddingSpace
from contract.errors import Rejected
from contract.events import Event
from contract.incident import IncidentDraft
from contract.moments import now
from contract.version import VERSION
from contract.zone import Zone
from vision.graph import GraphError, parse_graph
from vision.memory import keep_small
from vision.packs.fields import ManifestError
from vision.packs.manifest import load_manifest
from visionlink.workers import CameraReport, WorkerPlan, Workers

log = logging.getLogger(__name__)

TIDY_S = 300.0
STOP_S = 2
"""How long open live pictures and event streams may hold up the end."""


def run(config_path: Path, *, claim_code: str | None = None) -> int:
    """Run the box until SIGTERM or SIGINT.

    Raises Rejected for a bad configuration or claim code, Unavailable when another box runs in the same home or the
    cloud cannot be reached to claim it.
    """
    keep_small()
    config = read_config(config_path, BoxConfig)
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if claim_code is not None:
        if config.cloud is None:
            raise Rejected(f"{config_path}: cloud: is needed to claim the box", hint="name the cloud's url in [cloud]")
        claim(config.cloud.url, config.cloud.ca, claim_code, config.home, config.box)
    store = open_store(config.home, box=config.box, key=box_key(config.home))
    try:
        with tempfile.TemporaryDirectory(prefix="sentrybox-") as sockets:
            asyncio.run(_serve(config, store, Path(sockets)))
    finally:
        store.close()
    return 0


async def _serve(config: BoxConfig, store: Store, sockets: Path) -> None:
    zones = _ZoneCache(store)
    zones.adopt(config)
    _thresholds_fit(config)
    spaces = Spaces(config.matching.known, config.matching.review, store.gallery.adopt)
    matcher = GalleryMatcher(store.gallery.nearest, spaces.of)
    # The workers are told of the cameras' watches, which ask the workers.
    workers = Workers(_plans(config, sockets), lambda observation: cameras.observed(observation),
                      lambda camera, report: _camera_changed(store, camera, report), spaces.take)
    reporter = Reporter(workers.picture, store.files.put, lambda draft: _record(store, draft))
    cameras = Cameras(
        [CameraPlan(camera.id, camera.name or camera.id, camera.location, config.rules_of(camera))
         for camera in config.cameras],
        matcher.identify, zones.of, lambda person: _name_of(store, person), workers.report, reporter.report)
    place = endpoint(config.home)
    link = _Unclaimed(store) if place is None else Link(
        store, place, version=VERSION, packs=workers.packs,
        cameras=lambda: {state.id: state.state for state in cameras.states()})
    link.start()
    services = Services(store=store, vision=workers, cameras=cameras, matcher=matcher, link=link, box=config.box,
                        version=VERSION, space_of=spaces.of)
    server = uvicorn.Server(uvicorn.Config(
        build_app(services), host=config.http.host, port=config.http.port, log_level="warning", access_log=False,
        ssl_certfile=config.http.certificate, ssl_keyfile=config.http.key, timeout_graceful_shutdown=STOP_S,
        server_header=False))
    keep = asyncio.create_task(workers.run())
    tidy = asyncio.create_task(_tidy(store))
    _announce_first_account(config, store)
    try:
        await server.serve()
    finally:
        await reporter.settle()
        for task in (keep, tidy):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        link.stop()


class _Unclaimed:
    """The link of a box that belongs to no cloud yet: everything else works, and the page says so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since = now()

    def start(self) -> None:
        log.warning("this box is not claimed: it works alone until it is started once with --claim CODE")

    def stop(self) -> None:
        """There is nothing to end."""

    def state(self) -> dict[str, Any]:
        return {"connected": False, "reason": "this box is not claimed by a cloud yet", "since": self._since,
                "waiting": self._store.outbox.waiting()}


class _ZoneCache:
    """Zones are asked for with every frame, and change when somebody draws."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._zones: dict[str, tuple[Zone, ...]] = {}
        store.subscribe(self._forget)

    def _forget(self, event: Event) -> None:
        if event.topic == "zones":
            self._zones.pop(event.id, None)

    def adopt(self, config: BoxConfig) -> None:
        """The file's zones count until somebody draws others over the API."""
        for camera in config.cameras:
            if camera.zones and self._store.zones.get(camera.id)[1] == 0:
                self._store.zones.put(camera.id, camera.zones, 0)

    def of(self, camera: str) -> tuple[Zone, ...]:
        if camera not in self._zones:
            self._zones[camera] = self._store.zones.get(camera)[0]
        return self._zones[camera]


def _thresholds_fit(config: BoxConfig) -> None:
    """Raise Rejected for thresholds of the file that do not fit the pack; say so when there is no pack yet."""
    try:
        manifest = load_manifest(config.vision.models)
    except ManifestError as error:
        log.error("%s", error)
        return
    space = EmbeddingSpace.model_validate({
        "pack": manifest.id, "size": manifest.embedding_size, "metric": manifest.metric,
        "thresholds": manifest.thresholds._asdict()})
    space.limited(config.matching.known, config.matching.review)


def _plans(config: BoxConfig, sockets: Path) -> list[WorkerPlan]:
    """Cameras are dealt out to the workers in turn. A box without cameras still has one worker, for still images."""
    python = config.vision.python or sys.executable
    plans = []
    for number in range(max(1, min(config.vision.workers, len(config.cameras)))):
        mine = config.cameras[number::config.vision.workers]
        graph = json.dumps({"pack": str(config.vision.models.resolve()), "cameras": [
            {"id": c.id, "uri": c.uri, "fps": c.fps, "loop": c.loop} for c in mine]})
        try:
            parse_graph(graph)
        except GraphError as error:
            raise Rejected(f"the cameras of the box's file: {error}") from error
        path = sockets / f"vision-{number}.json"
        path.write_text(graph, encoding="utf-8")
        plans.append(WorkerPlan(f"vision-{number}",
                                (python, "-m", "vision", "--graph", str(path)),
                                sockets / f"vision-{number}.sock", tuple(c.id for c in mine)))
    return plans


def _camera_changed(store: Store, camera: str, report: CameraReport) -> None:
    log.info("camera %s is %s%s", camera, report.state, f": {report.reason}" if report.reason else "")
    store.announce(Event("camera", camera))


def _record(store: Store, draft: IncidentDraft) -> None:
    view, _new = store.incidents.record(draft, by="box")
    log.warning("%s (%s) at %s: incident %s", draft.kind, draft.severity, draft.location, view.incident.id)


def _name_of(store: Store, person: str) -> str | None:
    profile = store.profiles.find(person)
    return profile.name if profile is not None else None


async def _tidy(store: Store) -> None:
    while True:
        await asyncio.sleep(TIDY_S)
        try:
            await asyncio.to_thread(store.tidy)
        except Exception:
            log.exception("upkeep of the store failed")


def _announce_first_account(config: BoxConfig, store: Store) -> None:
    """Print the one-time link while nobody has an account; it is never logged."""
    if store.accounts.any():
        return
    scheme = "https" if config.http.certificate else "http"
    link = f"{scheme}://{config.http.host}:{config.http.port}/first?secret={store.accounts.first_link()}"
    path = config.home / "first-link"
    path.touch(mode=0o600)
    path.write_text(link + "\n", encoding="utf-8")
    print(f"make the first account: {link}", flush=True)
