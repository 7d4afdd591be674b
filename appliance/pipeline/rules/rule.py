"""The protocol of every incident rule: given the tracks of one frame and its time, it returns what it found.

A rule keeps its own state between frames of one camera. It reads no clock and writes no database; the same
sequence of scenes gives the same findings. To add one: write it and its settings in a file of their own and give it a
line in `table.py`.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import NamedTuple, Protocol

from contract.config import Section
from contract.incident import Involved, Kind, Severity
from contract.zone import Zone


class Seen(NamedTuple):
    """One person in one frame. `foot` and `box` (x, y, w, h) in shares of the picture. `identity`: the vote's status
    (open, known, review, unknown), "none" while no usable face was seen."""

    track: int
    box: tuple[float, float, float, float]
    foot: tuple[float, float]
    identity: str
    person: str | None
    confidence: float


class Scene(NamedTuple):
    """All people of one frame. `at`: seconds (Unix time of capture); `local`: the same moment in the box's zone."""

    at: float
    local: datetime
    people: tuple[Seen, ...]
    zones: tuple[Zone, ...]


class Finding(NamedTuple):
    """An incident, as a rule sees it. `where` names the zone or is empty."""

    kind: Kind
    severity: Severity
    people: tuple[Involved, ...]
    description: str
    where: str


class Rule(Protocol):
    """One kind of incident on one camera."""

    def step(self, scene: Scene) -> list[Finding]:
        """Take the next frame. Scenes come in order of time; a repeated or older one is ignored."""
        ...


class RuleSettings(Section, ABC):
    """The settings of a rule in the box's file. A rule with more to set adds keys of its own, each with a default."""

    on: bool = True

    @abstractmethod
    def rule(self) -> Rule:
        """Return a new rule for one camera."""

    @abstractmethod
    def effect(self) -> str:
        """Return what is reported with these settings, in words for the people who look at the page."""
