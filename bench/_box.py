"""A real box process for a benchmark."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

CACHE = Path("var/cache")
MODELS = Path(os.environ.get("SENTRYBOX_MODELS", "var/models")) / "open-1"


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_box(home: Path, token: str, cameras: str = "") -> Iterator[httpx.Client]:
    """Start `sentrybox box`, wait until it is ready, hand out a client with the token, end it. `cameras`: TOML."""
    port = free_port()
    config = home / "box.toml"
    config.write_text(f'box = "bench"\nhome = "{home}"\n[http]\nport = {port}\n'
                      f'[vision]\nmodels = "{MODELS}"\n{cameras}', encoding="utf-8")
    with (home / "box.log").open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "sentrybox", "box", "--config", str(config)],
                                   stdout=output, stderr=subprocess.STDOUT)
    try:
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"},
                              timeout=30, trust_env=False)
        with client:
            deadline = time.monotonic() + 60
            while not _ready(client):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the box did not start:\n{(home / 'box.log').read_text()[-2000:]}")
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False
