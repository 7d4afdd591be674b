"""Everything at once: broker, cloud, box, demo cameras and the stand-in of the alert providers, until Ctrl-C.

  make run
  make run CAMERA=rtsp://192.0.2.10/stream     your own camera (or a video file, or /dev/video0) instead of the demo's
  make run LEDGER=fabric                       on the Hyperledger Fabric network of `sentrybox fabric up`, with the
                                               police organisation's own process (SENTRYBOX_FABRIC: its folder)

State lives in var/demo (SENTRYBOX_HOME moves it) and is kept; a second start takes seconds. A file ports.toml there
changes the ports (keys: box, cloud, police, standin, providers, broker, cameras); a port that is taken gives way to a
free one.
"""

import argparse
import fcntl
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from appliance.store.store import open_store
from appliance.sync.claim import endpoint
from appliance.sync.keys import box_key
from cloud.broker import Broker
from cloud.ca import Authority
from cloud.config import CloudConfig, OrganisationSettings
from cloud.database.access import accounts_of
from cloud.database.migrations import Migration
from cloud.database.opening import connect
from cloud.database.schema import MIGRATIONS
from cloud.ledger.fabric import network
from contract.config import read_config
from contract.errors import NotFound, SentryboxError, Unavailable
from contract.identity import ROLES, Role
from demo import configs, ports, processes
from demo.configs import CAMERAS, WHOLE, DemoCamera
from demo.media import fetch_demo
from demo.people import enrol
from demo.processes import Child, Ended
from demo.standin import settings as standin_settings
from police.config import PoliceConfig
from police.database.schema import MIGRATIONS as POLICE_MIGRATIONS
from sentrybox.cli import home as home_folder
from sentrybox.cli import models_root
from vision.packs.build.fetch import FetchError
from vision.packs.manifest import BUILT_IN

CACHE = Path("var/cache")
PYTHON = [sys.executable, "-m"]


class House:
    """The running demo. `stopping` ends it; the broker can be taken away and brought back (SIGUSR1, SIGUSR2)."""

    def __init__(self, home: Path, own_camera: str | None, profiles: Path | None) -> None:
        """`own_camera`: its address, in place of the demo's; `profiles`: a Fabric network's connection profiles."""
        self.home = home
        self.profiles = profiles
        self.own_camera = own_camera
        self.ports = ports.choose(home)
        self.children: list[Child] = []
        self.stopping = threading.Event()
        self.broker: Broker | None = None
        self.broker_wanted = True
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def run(self) -> None:
        """Start everything, then stay until told to stop. Raises Ended, SentryboxError, FetchError.

        What need not wait for another part starts beside it.
        """
        # Media first: everything after it takes seconds.
        media = fetch_demo(CACHE, self.say)
        standin_child = self._start_standin()
        authority = Authority(self.home / "authority")
        self.broker = Broker(self.home / "broker", authority, port=self.ports.broker)
        self.broker.start()
        self.say(f"broker on port {self.ports.broker}")
        cameras = self._cameras(media.clips)
        models = (models_root() / BUILT_IN).resolve()
        box_file = _write(self.home / "box.toml", configs.box_toml(self.home, self.ports, cameras, models))
        tokens: dict[str, Any] = {}
        # A box that was claimed before starts without its cloud, as boxes do.
        box = self._start_box(box_file, tokens) if endpoint(self.home / "box") is not None else None
        standin = self._standin_settings(standin_child)
        self._start_cloud(standin, authority, models, tokens)
        if self.profiles is not None:
            self._start_police(self.profiles / "police.json", standin, tokens)
        if box is None:
            self.say("claiming the box with a one-time code")
            box = self._start_box(box_file, tokens, "--claim", self._claim_code(tokens["cloud"]["admin"]))
        with self._when_ready(box, tokens) as client:
            enrol(client, media.enrolment, list(standin.devices), self.say)
        if self.own_camera is None:
            self._start_cameras(media.clips)
        self._write_access(tokens)
        self._say_where(tokens)
        while not self.stopping.wait(0.2):
            self._mind_the_broker()
            for child in self.children:
                processes.check(child)

    def _start(self, name: str, argv: list[str], environment: dict[str, str] | None = None) -> Child:
        child = processes.start(name, [*PYTHON, *argv], self.home / "log", environment)
        self.children.append(child)
        return child

    def _start_standin(self) -> Child:
        folder = self.home / "standin"
        folder.mkdir(exist_ok=True, mode=0o700)
        return self._start("standin", ["demo.standin", "--home", str(folder), "--port", str(self.ports.providers),
                                       "--page-port", str(self.ports.standin)])

    def _standin_settings(self, child: Child) -> standin_settings.Settings:
        """Wait for the stand-in; how its providers are reached."""
        processes.wait_until(child, lambda: "ready" in child.log.read_text(errors="replace"), 20)
        self.say(f"stand-in of the alert providers on port {self.ports.standin}")
        return standin_settings.read(self.home / "standin")

    def _cameras(self, clips: dict[str, Path]) -> list[tuple[DemoCamera, str]]:
        if self.own_camera is not None:
            return [(DemoCamera("own", "Your camera", "In front of your camera", "view", WHOLE), self.own_camera)]
        return [(CAMERAS[name], f"rtsp://127.0.0.1:{self.ports.cameras}/{name}") for name in clips]

    def _start_cameras(self, clips: dict[str, Path]) -> None:
        """After enrolment: whoever is seen before is a stranger, and stays the stranger of that incident."""
        argv = ["demo.cameras", "--port", str(self.ports.cameras)]
        for name, clip in clips.items():
            argv += ["--clip", f"{name}={clip}"]
        child = self._start("cameras", argv)
        processes.wait_until(child, lambda: "ready" in child.log.read_text(errors="replace"), 20)
        self.say(f"demo cameras: {', '.join(clips)}")

    def _start_cloud(self, standin: standin_settings.Settings, authority: Authority, models: Path,
                     tokens: dict[str, Any]) -> None:
        campus = None if self.profiles is None else self.profiles / "campus.json"
        path = _write(self.home / "cloud.toml",
                      configs.cloud_toml(self.home, self.ports, standin, authority, models, campus))
        tokens["cloud"] = self._tokens("cloud", lambda role: _token(path, CloudConfig, MIGRATIONS, role))
        child = self._start("cloud", ["sentrybox", "cloud", "--config", str(path)], standin.environment())
        url = f"http://127.0.0.1:{self.ports.cloud}"
        processes.wait_until(child, lambda: _is_ready(url), 60)
        self.say(f"cloud on {url}")

    def _start_police(self, profile: Path, standin: standin_settings.Settings, tokens: dict[str, Any]) -> None:
        token = _write(self.home / "released.token", tokens["cloud"]["police"] + "\n")
        path = _write(self.home / "police.toml",
                      configs.police_toml(self.home, self.ports, standin, profile, token))
        tokens["police"] = self._tokens("police", lambda role: _token(path, PoliceConfig, POLICE_MIGRATIONS, role))
        child = self._start("police", ["sentrybox", "police", "--config", str(path)],
                            standin.environment())
        url = f"http://127.0.0.1:{self.ports.police}"
        processes.wait_until(child, lambda: _is_ready(url), 60)
        self.say(f"police organisation on {url}")

    def _start_box(self, path: Path, tokens: dict[str, Any], *claim: str) -> Child:
        folder = self.home / "box"
        folder.mkdir(exist_ok=True, mode=0o700)
        tokens["box"] = self._tokens("box", lambda role: self._box_token(folder, role))
        return self._start("box", ["sentrybox", "box", "--config", str(path), *claim])

    def _when_ready(self, box: Child, tokens: dict[str, Any]) -> httpx.Client:
        """Wait for the box; a client of its admin."""
        url = f"http://127.0.0.1:{self.ports.box}"
        processes.wait_until(box, lambda: _is_ready(url), 90)
        self.say(f"box on {url}")
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {tokens['box']['admin']}"},
                            timeout=30, trust_env=False)

    @staticmethod
    def _box_token(folder: Path, role: Role) -> str:
        store = open_store(folder, box="demo-box", key=box_key(folder))
        try:
            return store.accounts.new_token(f"demo-{role}", role)
        finally:
            store.close()

    def _tokens(self, side: str, make: Any) -> dict[str, str]:
        """Return the tokens of an earlier start, or new ones. Only their hashes are in the databases."""
        try:
            known = json.loads((self.home / "access.json").read_text(encoding="utf-8"))["tokens"][side]
            return {role: known[role] for role in ROLES}
        except (OSError, ValueError, KeyError):
            return {role: make(role) for role in ROLES}

    def _claim_code(self, token: str) -> str:
        answer = httpx.post(f"http://127.0.0.1:{self.ports.cloud}/boxes/claim-codes", trust_env=False,
                            headers={"Authorization": f"Bearer {token}"})
        if not answer.is_success:
            raise Ended(f"the cloud gave no claim code: {answer.text}")
        return str(answer.json()["code"])

    def _write_access(self, tokens: dict[str, Any]) -> None:
        access = {"box": f"http://127.0.0.1:{self.ports.box}", "cloud": f"http://127.0.0.1:{self.ports.cloud}",
                  "standin": f"http://127.0.0.1:{self.ports.standin}", "tokens": tokens, "pid": os.getpid()}
        if self.profiles is not None:
            access["police"] = f"http://127.0.0.1:{self.ports.police}"
        _write(self.home / "access.json", json.dumps(access, indent=2) + "\n")

    def _say_where(self, tokens: dict[str, Any]) -> None:
        self.say("ready")
        police = f"\n  police         http://127.0.0.1:{self.ports.police}     {self._first_link('police')}"
        print(f"""
  box            http://127.0.0.1:{self.ports.box}     {self._first_link("box")}
  cloud          http://127.0.0.1:{self.ports.cloud}     {self._first_link("cloud")}{police if self.profiles else ""}
  alerts arrive  http://127.0.0.1:{self.ports.standin}
  API            tokens of every role: {self.home / "access.json"}, interface: /docs
  check it       scripts/demo-check
  end it         Ctrl-C
""", flush=True)

    def _first_link(self, side: str) -> str:
        path = self.home / side / "first-link"
        return f"first log-in: {path.read_text().strip()}" if path.exists() else ""

    def _mind_the_broker(self) -> None:
        broker = self.broker
        if broker is None:
            return
        if self.broker_wanted and not broker.running():
            broker.start()
            self.say("broker is back")
        elif not self.broker_wanted and broker.running():
            broker.stop()
            self.say("broker is stopped")

    def close(self) -> None:
        """End everything that was started."""
        processes.stop(self.children)
        if self.broker is not None:
            self.broker.stop()


def _token(config_path: Path, kind: type[OrganisationSettings], migrations: Sequence[Migration], role: Role) -> str:
    config = read_config(config_path, kind)
    config.home.mkdir(exist_ok=True, mode=0o700)
    database = connect(config.database_url(), migrations)
    try:
        return accounts_of(database).new_token(f"demo-{role}", role)
    finally:
        database.close()


def _fabric_profiles() -> Path:
    """Return the connection profiles of a Fabric network that serves. Raises Rejected, Unavailable."""
    home = Path(os.environ.get("SENTRYBOX_FABRIC", "var/fabric")).resolve()
    try:
        state = network.status(home)
    except NotFound as error:
        raise Unavailable(f"there is no Fabric network in {home}", hint="make one: sentrybox fabric up") from error
    if not state.well:
        raise Unavailable(f"the Fabric network in {home} is not well", hint="sentrybox fabric status says what is "
                          "wrong, sentrybox fabric up starts what has ended")
    return home / "profiles"


def _write(path: Path, text: str) -> Path:
    """Replace the file, readable by its owner only."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camera", help="rtsp://..., a video file or /dev/videoN, instead of the demo cameras")
    parser.add_argument("--ledger", choices=("embedded", "fabric"), default="embedded",
                        help="where commitments are anchored (default: %(default)s)")
    options = parser.parse_args()
    try:
        profiles = _fabric_profiles() if options.ledger == "fabric" else None
    except SentryboxError as error:
        print(error, file=sys.stderr)
        return 1
    home = home_folder().resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"a demo runs in {home} already; end it, or give this one another SENTRYBOX_HOME", file=sys.stderr)
            return 1
        try:
            house = House(home, options.camera, profiles)
        except SentryboxError as error:
            print(error, file=sys.stderr)
            return 1
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: _interrupt(house))
        signal.signal(signal.SIGUSR1, lambda *_: setattr(house, "broker_wanted", False))
        signal.signal(signal.SIGUSR2, lambda *_: setattr(house, "broker_wanted", True))
        try:
            house.run()
        except (Ended, SentryboxError, FetchError) as error:
            print(f"\nthe demo cannot go on: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            pass
        finally:
            house.say("ending ...")
            house.close()
    return 0


def _interrupt(house: House) -> None:
    if house.stopping.is_set():
        return
    house.stopping.set()
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
