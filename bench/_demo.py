"""A running demo (`python -m demo`) in a home of its own, for a benchmark."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

START_S = 180.0


class Running(NamedTuple):
    """Clients of the running demo's three sides, and its process id."""

    box: httpx.Client
    cloud: httpx.Client
    standin: httpx.Client
    pid: int
    home: Path


@contextmanager
def running_demo(tree: Path = Path()) -> Iterator[Running]:
    """Start the demo of the build in this folder, wait for "ready", hand it out, end it."""
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        home = Path(scratch)
        with (home / "demo.log").open("wb") as output:
            process = subprocess.Popen([str(tree.resolve() / ".venv/bin/python"), "-m", "demo"], cwd=tree,
                                       stdout=output, stderr=subprocess.STDOUT,
                                       env={**os.environ, "SENTRYBOX_HOME": str(home)})
        try:
            deadline = time.monotonic() + START_S
            while not (home / "access.json").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the demo did not start:\n{(home / 'demo.log').read_text()[-3000:]}")
                time.sleep(0.2)
            access = json.loads((home / "access.json").read_text())
            yield Running(_client(access["box"], access["tokens"]["box"]["admin"]),
                          _client(access["cloud"], access["tokens"]["cloud"]["admin"]),
                          _client(access["standin"], ""), process.pid, home)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _client(url: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)


def get(client: httpx.Client, path: str, **query: Any) -> Any:
    """The JSON of a GET."""
    answer = client.get(path, params=query)
    answer.raise_for_status()
    return answer.json()
