"""What is the same in every worker of one run of the tests."""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

VARIABLE = "SENTRYBOX_TEST_RUN"


def begin() -> None:
    """Make the run's folder. Workers are started later and learn of it from their environment."""
    folder = tempfile.mkdtemp(prefix="sentrybox-tests-")
    Path(folder).chmod(0o711)  # PostgreSQL, started by root as another user, must reach its own folder in it.
    os.environ[VARIABLE] = folder


def folder() -> Path:
    """Where servers that all workers share keep their state and their locks."""
    return Path(os.environ[VARIABLE])


def end() -> None:
    """Remove it, and end what workers that were interrupted have left running."""
    for process in _left():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder())
    del os.environ[VARIABLE]


def _left() -> list[int]:
    """The processes of this run: each has its folder in the environment that it was started with."""
    mark = f"{VARIABLE}={folder()}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found
