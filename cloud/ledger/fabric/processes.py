"""Detached processes that outlive the command which started them, and are only ever ended by one who knows them.

A process is ours when its number, its start time and its program are those that were written down. Where the writing
was cut off by a crash, the process is found by a mark in its environment.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cloud.ledger.fabric import whole
from cloud.ledger.fabric.commands import Command
from contract.errors import Unavailable

MARK = "SENTRYBOX_FABRIC_PART"
# The shell forks and ends at once; only an overloaded machine takes longer.
LAUNCH_S = 10.0
# A peer closes its databases when it is asked to end: well under a second.
TERM_S = 15.0
# At warn level a log grows by kilobytes a day; one that is larger at a start is put aside, the one before it goes.
FULL_LOG = 16 * 1024 * 1024
KILL_S = 10.0
# The mark is set by the shell, so that only the program itself carries it from its first moment on.
_LAUNCH = f'log=$1; export {MARK}="$2"; shift 2; "$@" </dev/null >>"$log" 2>&1 & echo $!'


class Process(NamedTuple):
    """`started` is the kernel's start time in clock ticks since boot: a reused number has another one."""

    pid: int
    started: int
    program: str


def launch(home: Path, part: str, command: Command, log: Path) -> Process:
    """Start it in a session of its own, output appended to the log, and write down who it is.

    Raises Unavailable when it ended before its program began.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > FULL_LOG:
        log.replace(log.with_name(log.name + ".1"))
    # Through a shell that ends: the process then belongs to init and leaves no zombie with us.
    shell = ["/bin/sh", "-c", _LAUNCH, "sh", str(log), _mark(home, part), str(command.program), *command.arguments]
    done = subprocess.run(shell, env=command.environment, capture_output=True, text=True, timeout=LAUNCH_S, check=True,
                          start_new_session=True, cwd=home)
    pid, program = int(done.stdout), str(command.program)
    deadline = time.monotonic() + LAUNCH_S
    while time.monotonic() < deadline:
        started = _started(pid)
        if started is None:
            break
        if _program(pid) == program:
            process = Process(pid, started, program)
            whole.write(_file(home, part), json.dumps(process._asdict()) + "\n")
            return process
        time.sleep(0.005)
    raise Unavailable(f"{part} ({program}) did not start", hint=tail(log))


def find(home: Path, part: str) -> Process | None:
    """Return the living process of this part, or None."""
    try:
        written = Process(**json.loads(_file(home, part).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        written = None
    if written is not None and is_alive(written):
        return written
    # Started, but the command that started it was killed before it could write that down.
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _marked(folder, _mark(home, part)):
            pid = int(folder.name)
            started, program = _started(pid), _program(pid)
            if started is not None and program is not None:
                process = Process(pid, started, program)
                whole.write(_file(home, part), json.dumps(process._asdict()) + "\n")
                return process
    return None


def is_alive(process: Process) -> bool:
    """Return whether it is still the same process, and not merely waiting to be reaped. One that is ending has no
    program any more, but holds its files and ports until its last thread is gone.
    """
    return _started(process.pid) == process.started and _program(process.pid) in (process.program, None)


def stop(home: Path, parts: tuple[str, ...]) -> list[str]:
    """Ask these to end and wait; after TERM_S seconds SIGKILL. Returns the parts that were running."""
    running = {part: process for part in parts if (process := find(home, part)) is not None}
    for process in running.values():
        _signal(process, signal.SIGTERM)
    _wait(running.values(), TERM_S)
    for part in running:
        kill(home, part)
    return list(running)


def kill(home: Path, part: str) -> None:
    """SIGKILL; returns when it is dead. Raises Unavailable when the kernel does not end it within KILL_S seconds."""
    process = find(home, part)
    if process is not None:
        _signal(process, signal.SIGKILL)
        if not _wait([process], KILL_S):
            raise Unavailable(f"{part} (pid {process.pid}) is still there {KILL_S:.0f} s after SIGKILL",
                              hint="it hangs in the kernel: look at the disk")
    _file(home, part).unlink(missing_ok=True)


def memory(process: Process) -> int:
    """Return resident memory in bytes; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def tail(log: Path, lines: int = 5) -> str:
    """Return where the log is, and its last lines."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            last = file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        last = []
    return f"its log {log} ends with: {' | '.join(last)}" if last else f"its log {log} is empty"


def _wait(processes: Iterable[Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _signal(process: Process, number: signal.Signals) -> None:
    # Between the check and the signal the number could only go to another process if it was reused at once; a
    # descriptor of the process closes even that gap.
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
        try:
            if is_alive(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _file(home: Path, part: str) -> Path:
    return home / "run" / f"{part}.json"


def _mark(home: Path, part: str) -> str:
    return f"{home.resolve()}:{part}"


def _marked(folder: Path, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _started(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, threads, started = fields[0], int(fields[17]), int(fields[19])
    return None if state == "X" or (state == "Z" and threads <= 1) else started


def _program(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return None
