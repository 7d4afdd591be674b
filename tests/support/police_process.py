"""The police organisation's process as it is started, on a ground and with stand-in alert providers."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from cloud.database.access import accounts_of
from cloud.database.opening import connect
from demo.standin.settings import Settings
from police.database.schema import MIGRATIONS

ROOT = Path(__file__).parents[2]
NUMBER = "+4915100000110"
# A restarted orderer needs an election, our own back-off may be at a minute by then, and the machine may be busy.
PATIENCE_S = 90.0
START_S = 60.0


class PoliceProcess:
    """`start` and `kill` as often as a test likes; the database in `home` stays."""

    def __init__(self, home: Path, profile: Path, standin: Settings, campus: str = "http://127.0.0.1:1") -> None:
        home.mkdir(parents=True, exist_ok=True)
        (home / "token").write_text("token-of-the-campus")
        self.home, self.campus = home, campus
        self._environment = {**os.environ, **standin.environment(), "PYTHONUNBUFFERED": "1"}
        account = standin.twilio
        self._sms = f"twilio://{account.sid}:{account.token}@{account.sender}"
        self._process: subprocess.Popen[str] | None = None
        self.use(profile)
        database = connect(self.database_url, MIGRATIONS)
        self._token = accounts_of(database).new_token("test", "police")
        database.close()

    @property
    def database_url(self) -> str:
        return f"sqlite:///{(self.home / 'cloud.db').resolve()}"

    def use(self, profile: Path) -> None:
        """Write police.toml with this connection profile."""
        lines = [f"home = {json.dumps(str(self.home))}", 'url = "http://127.0.0.1:8543"',
                 "[ledger]", f"profile = {json.dumps(str(profile))}",
                 "[campus]", 'name = "Campus North"', f"url = {json.dumps(self.campus)}",
                 f"token_file = {json.dumps(str(self.home / 'token'))}",
                 "[contacts]", f'police = [{{ channel = "sms", address = "{NUMBER}" }}]',
                 "[alerts]", f"twilio_url = {json.dumps(self._sms)}", "[http]", "port = 0"]
        (self.home / "police.toml").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Returns when the pages are served."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sentrybox", "police", "--config",
             str(self.home / "police.toml")], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=self._environment)
        readable, _, _ = select.select([self._process.stdout], [], [], START_S)
        line = self._process.stdout.readline() if readable else ""
        assert "police: ready" in line, f"it said {line!r} and ended with {self._process.poll()}"
        address = line.split("pages at ")[1].split(",")[0].strip()
        self._web = httpx.Client(base_url=address, trust_env=False, timeout=10,
                                 headers={"Authorization": f"Bearer {self._token}"})

    def kill(self) -> None:
        """SIGKILL; returns when it is dead."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process.stdout.close()
            self._web.close()
            self._process = None

    def stop(self) -> None:
        """SIGTERM, and it must end well."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0
        self.kill()

    def get(self, path: str) -> httpx.Response:
        return self._web.get(path)

    def entries(self) -> dict[str, dict[str, Any]]:
        """Record id -> entry, all of them."""
        found, cursor = [], ""
        while True:
            page = self.get(f"/entries?limit=200{cursor}").json()
            found += page["items"]
            if page["next"] is None:
                return {entry["id"]: entry for entry in found}
            cursor = f"&cursor={page['next']}"

    def acknowledged(self, records: list[str]) -> bool:
        """Whether all of them have our word on the ledger, as this process knows it."""
        entries = self.entries()
        return all(one in entries and entries[one]["on_ledger"]["state"] == "acknowledged" for one in records)


def until(what: Callable[[], object], said: Callable[[], object] = lambda: "") -> None:
    """Wait until it is so, within PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, f"it did not come to that: {said()}"
        time.sleep(0.1)
