"""One camera's way from observations to findings: faces vote, people get names, rules look on."""

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from appliance.pipeline.rules.rule import Finding, Rule, Scene, Seen
from appliance.pipeline.voting import OPEN, WINDOW, Verdict, verdict
from contract.match import Match
from contract.moments import from_text
from contract.observation import Face, Observation, Track
from contract.zone import Zone

FORGET_S = 10.0
FACE_SURE = 0.7
"""A face score that a false face never reached; below it a track is not called an unknown person."""


class _Ballot(NamedTuple):
    """The votes on one track; `result` is their verdict, counted only when a vote comes."""

    votes: tuple[Match, ...]
    result: Verdict
    face_sure: bool
    last_seen: float


_NEW = _Ballot((), OPEN, False, 0.0)


class Watch:
    """The state of one camera. Not thread-safe: one caller feeds it in order of time."""

    def __init__(self, identify: Callable[[Face], Match], zone: tzinfo, rules: Iterable[Rule]) -> None:
        self._identify = identify
        self._zone = zone
        self._rules = tuple(rules)
        self._ballots: dict[int, _Ballot] = {}
        self._latest: tuple[Observation, tuple[Seen, ...]] | None = None

    def observe(self, observation: Observation, zones: tuple[Zone, ...]) -> list[Finding]:
        """Take one observation; return what the rules found in it."""
        at = from_text(observation.at)
        seconds = at.timestamp()
        people = tuple(self._see(track, observation, seconds) for track in observation.tracks)
        self._ballots = {k: b for k, b in self._ballots.items() if seconds - b.last_seen <= FORGET_S}
        self._latest = (observation, people)
        scene = Scene(seconds, at.astimezone(self._zone), people, zones)
        return [finding for rule in self._rules for finding in rule.step(scene)]

    def _see(self, track: Track, observation: Observation, seconds: float) -> Seen:
        votes, result, face_sure, _ = self._ballots.get(track.id, _NEW)
        face = track.face
        if face is not None:
            face_sure = face_sure or face.score >= FACE_SURE
            if face.embedding is not None:
                votes = (*votes, self._identify(face))[-WINDOW:]
                result = verdict(votes)
        self._ballots[track.id] = _Ballot(votes, result, face_sure, seconds)
        status = result.status if votes else "none"
        if status == "unknown" and not face_sure:
            status = "open"
        x, y, width, height = track.box
        box = (x / observation.width, y / observation.height, width / observation.width, height / observation.height)
        foot = (box[0] + box[2] / 2, min(box[1] + box[3], 1.0))
        return Seen(track.id, box, foot, status, *_person(result))

    def overlay(self, name_of: Callable[[str], str | None]) -> dict[str, Any]:
        """Return the newest observation for the live page: boxes in shares of the picture, names of people known."""
        if self._latest is None:
            return {"at": None, "width": 0, "height": 0, "tracks": []}
        observation, people = self._latest
        tracks = [{"id": seen.track, "box": [round(v, 4) for v in seen.box], "status": seen.identity,
                   "person": seen.person if seen.identity == "known" else None,
                   "name": name_of(seen.person) if seen.identity == "known" and seen.person else None,
                   "confidence": round(seen.confidence, 3)} for seen in people]
        return {"at": observation.at, "width": observation.width, "height": observation.height, "tracks": tracks}


def _person(result: Verdict) -> tuple[str | None, float]:
    return (result.profile_id, result.confidence) if result.status in ("known", "review") else (None, 0.0)


def local_zone() -> tzinfo:
    """Return the time zone of this machine."""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    return zone
