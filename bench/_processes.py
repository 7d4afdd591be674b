"""What the kernel says of processes: their CPU time, their children, and which one runs a box."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STATE = 2
"""The field after the program's name; proc(5) counts it as the third."""


def _times(pid: int) -> tuple[int, ...]:
    """utime, stime, cutime and cstime in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return tuple(int(value) for value in fields[13 - _STATE:17 - _STATE])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, without its children's."""
    return sum(_times(pid)[:2]) / _TICKS


def cpu_seconds_of_all(pid: int) -> float:
    """User and system time of a process and of all that it started, also of those that ended and were waited for."""
    return sum(_times(pid)) / _TICKS + sum(cpu_seconds_of_all(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """Process ids of the children of all threads of a process."""
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def box_pid(home: Path) -> int:
    """The process whose command line names this home's configuration. Raises SystemExit when there is none."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(home / "box.toml").encode() in words:
                return int(entry.name)
    raise SystemExit("the box's process is not there")
