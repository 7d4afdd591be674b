"""The demo's child processes: started with a log file each, watched, and ended when the demo ends."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
STOP_S = 8.0


class Ended(RuntimeError):
    """A process that the demo needs ended; the text says which, and its last words."""


class Child(NamedTuple):
    name: str
    process: subprocess.Popen[bytes]
    log: Path


def _die_with_parent() -> None:
    """Even a killed demo leaves nothing running: the kernel sends SIGTERM to the children."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(name: str, argv: list[str], logs: Path, environment: Mapping[str, str] | None = None) -> Child:
    """Start a process; its output goes to logs/NAME.log."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the demo alone, which then ends everything in order.
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   env={**os.environ, **(environment or {})}, start_new_session=True,
                                   preexec_fn=_die_with_parent)
    return Child(name, process, log)


def wait_until(child: Child, ready: Callable[[], bool], seconds: float) -> None:
    """Wait for the child to be ready. Raises Ended when it ends first or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        check(child)
        if time.monotonic() > deadline:
            raise Ended(f"{child.name} was not ready after {seconds:.0f} s; see {child.log}\n{last_words(child)}")
        time.sleep(0.1)


def check(child: Child) -> None:
    """Raise Ended when the child is no longer running."""
    code = child.process.poll()
    if code is not None:
        raise Ended(f"{child.name} ended with status {code}; see {child.log}\n{last_words(child)}")


def last_words(child: Child) -> str:
    """Return the end of its log."""
    return "\n".join(child.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])


def stop(children: list[Child]) -> None:
    """End them, the last started first."""
    for child in reversed(children):
        if child.process.poll() is None:
            child.process.terminate()
        try:
            child.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
