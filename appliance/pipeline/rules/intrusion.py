"""Intrusion: a person's foot point stays inside a closed zone for a while. Counted per track, once per stay."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from appliance.pipeline.rules.rule import Finding, RuleSettings, Scene, Seen
from appliance.pipeline.rules.zones import inside, is_closed
from contract.incident import Involved, Part
from contract.zone import Zone

Sensitivity = Literal["low", "normal", "high"]

INSIDE_S: Mapping[Sensitivity, float] = {"low": 3.0, "normal": 1.0, "high": 0.5}
"""How long a person stands in a closed zone before it is an intrusion. Low: who only crosses a corner of the zone is
not reported; high: also who runs through it."""
NAMING_S = 1.5
"""How much longer a person whose face is being voted on may stand there before the incident is written nameless."""
OUTSIDE_S = 1.5
"""A stay ends after this long outside: one noisy foot point does not make two stays of one."""
RETURN_S = 60.0
"""A person known by name who comes back to the zone within this time is still the same incident."""
HANDOVER_S = 3.0
"""A new track that begins where a reported one was lost so shortly before is the same person."""


class IntrusionSettings(RuleSettings):
    """The settings of intrusion: how soon a stay is one. When, where and who is set with the zones."""

    sensitivity: Sensitivity = "normal"

    def rule(self) -> "Intrusion":
        return Intrusion(self)

    def inside_s(self) -> float:
        """Seconds that a person stands in a closed zone before it is an intrusion."""
        return INSIDE_S[self.sensitivity]

    def effect(self) -> str:
        return f"who stands in a closed zone for {self.inside_s():g} s"


class _Stay(NamedTuple):
    since: float
    last_inside: float
    last_seen: float
    box: tuple[float, float, float, float]
    reported: bool
    person: str | None


class Intrusion:
    """The rule for one camera. State: the stays of (zone, track) and when a known person was last reported."""

    def __init__(self, settings: IntrusionSettings) -> None:
        self._inside_s = settings.inside_s()
        self._stays: dict[tuple[str, int], _Stay] = {}
        self._last_in_zone: dict[tuple[str, str], float] = {}
        self._at = float("-inf")

    def step(self, scene: Scene) -> list[Finding]:
        """Return the findings of this frame: at most one per zone, naming everybody who completed a stay in it."""
        if scene.at <= self._at:
            return []
        self._at = scene.at
        findings = []
        for zone in scene.zones:
            if is_closed(zone.closed, scene.local):
                new = [seen for seen in scene.people if self._completes(zone, seen, scene.at)]
                if new:
                    findings.append(_finding(zone, new))
        self._forget(scene)
        return findings

    def _completes(self, zone: Zone, seen: Seen, at: float) -> bool:
        """Advance the stay of one person in one zone; true when it becomes an intrusion with this frame."""
        key = (zone.name, seen.track)
        stay = self._stays.get(key)
        if not inside(seen.foot, zone.polygon):
            if stay is not None:
                if at - stay.last_inside > OUTSIDE_S:
                    del self._stays[key]
                else:
                    self._stays[key] = stay._replace(last_seen=at, box=seen.box)
            return False
        if stay is None:
            stay = self._inherited(zone, seen, at) or _Stay(at, at, at, seen.box, False, None)
        stay = stay._replace(last_inside=at, last_seen=at, box=seen.box, person=seen.person or stay.person)
        named = seen.person if seen.identity == "known" else None
        complete = False
        if not stay.reported and named not in zone.allowed and self._ripe(stay, seen, at):
            stay = stay._replace(reported=True)
            complete = named is None or at - self._last_in_zone.get((zone.name, named), float("-inf")) > RETURN_S
        if named is not None and stay.reported:
            self._last_in_zone[zone.name, named] = at
        self._stays[key] = stay
        return complete

    def _ripe(self, stay: _Stay, seen: Seen, at: float) -> bool:
        needed = self._inside_s + (NAMING_S if seen.identity == "open" else 0.0)
        return at - stay.since >= needed

    def _inherited(self, zone: Zone, seen: Seen, at: float) -> _Stay | None:
        """Return the stay of a track that was lost right here, if there is one."""
        for (name, track), stay in self._stays.items():
            lost = at - stay.last_seen
            if name == zone.name and track != seen.track and 0 < lost <= HANDOVER_S and _near(stay.box, seen.box):
                del self._stays[name, track]
                return stay
        return None

    def _forget(self, scene: Scene) -> None:
        present = {seen.track for seen in scene.people}
        self._stays = {key: stay for key, stay in self._stays.items()
                       if key[1] in present or scene.at - stay.last_seen <= HANDOVER_S}
        self._last_in_zone = {key: at for key, at in self._last_in_zone.items() if scene.at - at <= RETURN_S}


def _near(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Return whether the centres are within one box size (the larger of the two) of each other."""
    reach_x, reach_y = max(one[2], other[2]), max(one[3], other[3])
    dx = abs(one[0] + one[2] / 2 - other[0] - other[2] / 2)
    dy = abs(one[1] + one[3] / 2 - other[1] - other[3] / 2)
    return dx <= reach_x and dy <= reach_y


def _finding(zone: Zone, people: list[Seen]) -> Finding:
    part: Part = "victim" if zone.hazard else "involved"
    named: dict[str, float] = {}
    for seen in people:
        if seen.person is not None and seen.identity == "known":
            named[seen.person] = max(seen.confidence, named.get(seen.person, 0.0))
    count = len(people)
    what = "in the danger zone" if zone.hazard else "in the closed zone"
    description = f"{count} {'person' if count == 1 else 'people'} {what} {zone.name}"
    involved = tuple(Involved(person=person, part=part, confidence=round(sure, 4)) for person, sure in named.items())
    return Finding("intrusion", zone.severity, involved, description, zone.name)
