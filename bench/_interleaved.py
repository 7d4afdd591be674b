"""Two ways of doing the same, measured in turns: A B, B A, A B, ... so that a machine that slows down slows both."""

import statistics
from collections.abc import Callable
from typing import NamedTuple


class Verdict(NamedTuple):
    """A line of the table. `wanted` says what the issue asks for; `holds` is None where it asks for nothing."""

    what: str
    figures: str
    wanted: str = ""
    holds: bool | None = None

    def line(self) -> str:
        """The line, as printed."""
        held = {None: "", True: "  holds: yes", False: "  holds: NO"}[self.holds]
        return f"{self.what:44} {self.figures}{f'  wanted {self.wanted}{held}' if self.wanted else ''}"


def in_turns(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """What each gave in every round."""
    both: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side in ((0, 1) if number % 2 == 0 else (1, 0)):
            both[side].append((ours, theirs)[side]())
    return both


def compared(what: str, unit: str, ours: list[float], theirs: list[float], other: str, wanted: float) -> Verdict:
    """Rates (more is better): medians, and the median of the rounds' ratios against what is wanted of it."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    figures = (f"ours {statistics.median(ours):8.1f} {unit}   {other} {statistics.median(theirs):8.1f} {unit}   "
               f"ratio {ratio:5.2f} ({min(a / b for a, b in zip(ours, theirs, strict=True)):.2f} to "
               f"{max(a / b for a, b in zip(ours, theirs, strict=True)):.2f}, {len(ours)} rounds)")
    return Verdict(what, figures, f">= {wanted:g}", ratio >= wanted)
