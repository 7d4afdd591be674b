"""CPU of the box's process with the demo's cameras and no browser, beside other builds.

  python -m bench.idle [TREE ...]     TREE: the folder of another build, set up (`make setup`); builds take turns
"""

import statistics
import sys
import time
from pathlib import Path

from bench._demo import get, running_demo
from bench._processes import box_pid, cpu_seconds

SETTLE_S = 20
WINDOW_S = 60
ROUNDS = 2


def measure(tree: Path) -> float:
    """CPU seconds that the box's process of this build uses in WINDOW_S seconds."""
    with running_demo(tree) as running:
        pid = box_pid(running.home)
        time.sleep(SETTLE_S)
        before = cpu_seconds(pid)
        time.sleep(WINDOW_S)
        used = cpu_seconds(pid) - before
        lost = [camera["id"] for camera in get(running.box, "/cameras")["items"] if camera["state"] != "live"]
        if lost:
            raise SystemExit(f"{tree}: without a picture: {', '.join(lost)}")
        return used


def main() -> None:
    trees = [Path.cwd(), *(Path(word).resolve() for word in sys.argv[1:])]
    used: dict[Path, list[float]] = {tree: [] for tree in trees}
    for number in range(ROUNDS):
        for tree in trees if number % 2 == 0 else reversed(trees):
            used[tree].append(measure(tree))
    for tree, seconds in used.items():
        print(f"{tree!s:32} {statistics.mean(seconds):6.2f} s of CPU in {WINDOW_S} s "
              f"({', '.join(f'{value:.2f}' for value in seconds)})")
    ours, *others = (statistics.mean(seconds) for seconds in used.values())
    for tree, theirs in zip(trees[1:], others, strict=True):
        print(f"ratio: {ours / theirs:.2f} (this build / {tree})")


if __name__ == "__main__":
    main()
