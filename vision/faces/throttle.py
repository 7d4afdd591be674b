"""The throttle of embeddings: when a track's face is worth another one. Pure but for the memory of what was sent."""

from typing import Dict, NamedTuple

from vision.graph import Embed


class _Sent(NamedTuple):
    times: int
    last: float


class Throttle:
    """Often at first, for a name to come quickly; seldom later, to see whether it still is the same person."""

    def __init__(self, policy: Embed, min_width: float) -> None:
        self._policy = policy
        self._min_width = min_width
        self._sent: Dict[int, _Sent] = {}

    def due(self, track: int, width: float, now: float) -> bool:
        """Return whether to embed now (s) a face of `width` px; a yes counts as sent."""
        if width < self._min_width:
            return False
        sent = self._sent.get(track)
        if sent is not None:
            early = sent.times < self._policy.first
            if now - sent.last < (self._policy.first_every_s if early else self._policy.then_every_s) - 1e-6:
                return False
        self._sent[track] = _Sent(sent.times + 1 if sent else 1, now)
        return True

    def forget_before(self, moment: float) -> None:
        """Drop the memory of tracks that sent nothing since."""
        self._sent = {track: sent for track, sent in self._sent.items() if sent.last >= moment}
