"""CPU of the box's process with the demo's cameras and no browser, beside other builds.

  python -m bench.idle [TREE ...]     TREE: the folder of another build, set up (`make setup`); builds take turns
"""

import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench._demo import get, running_demo
from bench._processes import box_pid, cpu_seconds

SETTLE_S = 20
WINDOW_S = 60
ROUNDS = 2


class Idle(NamedTuple):
    """CPU seconds of the box's process in WINDOW_S seconds, and pictures a second that its cameras gave at the end."""

    cpu: float
    fps: float


def measure(tree: Path) -> Idle:
    """One demo of this build. Raises SystemExit when a camera gives no picture."""
    with running_demo(tree) as running:
        pid = box_pid(running.home)
        time.sleep(SETTLE_S)
        before = cpu_seconds(pid)
        time.sleep(WINDOW_S)
        used = cpu_seconds(pid) - before
        cameras = get(running.box, "/cameras")["items"]
        lost = [camera["id"] for camera in cameras if camera["state"] != "live"]
        if lost:
            raise SystemExit(f"{tree}: without a picture: {', '.join(lost)}")
        return Idle(used, sum(camera["fps"] for camera in cameras))


def main() -> None:
    trees = [Path.cwd(), *(Path(word).resolve() for word in sys.argv[1:])]
    used: dict[Path, list[Idle]] = {tree: [] for tree in trees}
    for number in range(ROUNDS):
        for tree in trees if number % 2 == 0 else reversed(trees):
            used[tree].append(measure(tree))
    for tree, runs in used.items():
        print(f"{tree!s:32} {statistics.mean(run.cpu for run in runs):6.2f} s of CPU in {WINDOW_S} s "
              f"({', '.join(f'{run.cpu:.2f} at {run.fps:.0f} pictures a second' for run in runs)})")
    ours, *others = (statistics.mean(run.cpu for run in runs) for runs in used.values())
    for tree, theirs in zip(trees[1:], others, strict=True):
        print(f"ratio: {ours / theirs:.2f} (this build / {tree})")


if __name__ == "__main__":
    main()
