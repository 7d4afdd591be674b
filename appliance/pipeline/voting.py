"""Several frames of one track vote before a name is given: one lucky frame must not name a stranger."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from contract.match import Match

WINDOW = 9
NEEDED = 3


class Verdict(NamedTuple):
    """The verdict of the votes so far. `status` "open" while there are too few votes to say anything."""

    status: str
    profile_id: str | None
    confidence: float


OPEN = Verdict("open", None, 0.0)


def verdict(votes: Sequence[Match]) -> Verdict:
    """Return the verdict over the last WINDOW matches of a track.

    known: at least NEEDED votes know the same person, they are most of the votes, and nobody else is known by two.
    """
    recent = votes[-WINDOW:]
    known = Counter(v.profile_id for v in recent if v.status == "known" and v.profile_id)
    leaders = known.most_common(2)
    if leaders and leaders[0][1] >= NEEDED and 2 * leaders[0][1] > len(recent) and (
            len(leaders) == 1 or leaders[1][1] < 2):
        person = leaders[0][0]
        sure = sorted(v.confidence for v in recent if v.profile_id == person and v.status == "known")
        return Verdict("known", person, sure[len(sure) // 2])
    if len(recent) < NEEDED:
        return OPEN
    candidates = Counter(v.profile_id for v in recent if v.profile_id and v.status != "unknown")
    if candidates:
        person, count = candidates.most_common(1)[0]
        if 2 * count >= len(recent):
            sure = sorted(v.confidence for v in recent if v.profile_id == person)
            return Verdict("review", person, sure[len(sure) // 2])
    return Verdict("unknown", None, 0.0)
