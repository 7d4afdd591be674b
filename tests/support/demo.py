"""A running demo for journeys: started as `make run` starts it, asked over its REST endpoints, ended by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from demo.ports import Ports
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
START_S = 240
Seen = TypeVar("Seen")


@contextmanager
def running_demo(home: Path, *words: str, **environment: str) -> Iterator[Path]:
    """Its home. Everything it started must be gone at the end."""
    log = home / "demo.log"
    # Its usual ports may be those of another test's demo that starts at the same time.
    (home / "ports.toml").write_text("".join(f"{name} = {free_port()}\n" for name in Ports.model_fields))
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "demo", *words], cwd=ROOT, stdout=output,
                                   stderr=subprocess.STDOUT,
                                   env={**os.environ, "SENTRYBOX_HOME": str(home), **environment})
    try:
        deadline = time.monotonic() + START_S
        while not (home / "access.json").exists():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield home
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    for url in json.loads((home / "access.json").read_text()).values():
        if isinstance(url, str):
            with pytest.raises(httpx.TransportError):
                httpx.get(url, trust_env=False)


def api(home: Path, side: str, role: str) -> httpx.Client:
    """A client of one side with that role's token."""
    access = json.loads((home / "access.json").read_text())
    return httpx.Client(base_url=access[side], headers={"Authorization": f"Bearer {access['tokens'][side][role]}"},
                        timeout=20, trust_env=False)


def until(look: Callable[[], Seen], seconds: float = 60) -> Seen:
    """The first true result of `look`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.3)
    return seen


def run_check(home: Path, *words: str) -> str:
    """What scripts/demo-check prints; every step must hold."""
    done = subprocess.run([sys.executable, "-m", "demo.check", "--home", str(home), "--within", "240", *words],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
