"""How long `make run` takes to its "ready", started once before, beside other builds.

  python -m bench.start [TREE ...]     TREE: the folder of another build, set up (`make setup`); builds take turns
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench._processes import children, cpu_seconds_of_all

LIMIT_S = 180
ROUNDS = 2


class Start(NamedTuple):
    """Seconds from `make run` to "ready", and the CPU seconds that all its processes had used by then."""

    wall: float
    cpu: float


def start(tree: Path, home: Path) -> Start:
    """Run `make run` of a build in this home, until it says that it is ready."""
    begun = time.monotonic()
    process = subprocess.Popen(["make", "-s", "run"], cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, env={**os.environ, "SENTRYBOX_HOME": str(home)})
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.split()[-1:] == ["ready"]:
                return Start(time.monotonic() - begun, cpu_seconds_of_all(process.pid))
            if time.monotonic() - begun > LIMIT_S:
                break
        raise SystemExit(f"{tree}: the demo did not start:\n{''.join(said)}")
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Ask what `make` runs to end, as Ctrl-C does."""
    for child in children(process.pid):
        os.kill(child, signal.SIGINT)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def main() -> None:
    trees = [Path.cwd(), *(Path(word).resolve() for word in sys.argv[1:])]
    taken: dict[Path, list[Start]] = {tree: [] for tree in trees}
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        homes = {tree: Path(scratch, str(number)) for number, tree in enumerate(trees)}
        for tree in trees:
            start(tree, homes[tree])
        for number in range(ROUNDS):
            for tree in trees if number % 2 == 0 else reversed(trees):
                taken[tree].append(start(tree, homes[tree]))
    for tree, starts in taken.items():
        wall, cpu = ([getattr(one, name) for one in starts] for name in Start._fields)
        print(f"{tree!s:32} ready after {statistics.median(wall):5.1f} s ({min(wall):.1f} to {max(wall):.1f}), "
              f"{statistics.median(cpu):5.1f} s of CPU")
    ours, *others = (statistics.median(one.cpu for one in starts) for starts in taken.values())
    for tree, theirs in zip(trees[1:], others, strict=True):
        print(f"ratio: {ours / theirs:.2f} (CPU to ready, this build / {tree})")


if __name__ == "__main__":
    main()
