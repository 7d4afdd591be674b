"""From distances to a decision: known, review or unknown, by the thresholds of the face's pack."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from contract.embedding import SpaceOf, Thresholds
from contract.match import Match, Near
from contract.observation import Face

SURE_AT_KNOWN = 0.99
SURE_AT_REVIEW = 0.30
"""Share of pairs that are one person's at the two thresholds of the `open` pack, on held-out LFW pairs (two thirds of
what lies between the thresholds is genuine, nearly everything below the first). Thresholds of other packs are taken to
be set alike."""


Nearest = Callable[[np.ndarray, str, int], Sequence[Near]]
"""(vector, pack, count) -> nearest people, nearest first."""


def confidence(distance: float, thresholds: Thresholds) -> float:
    """Return the probability that two faces at this distance are one person's: the logistic curve through the two
    anchors.
    """
    top, bottom = _logit(SURE_AT_KNOWN), _logit(SURE_AT_REVIEW)
    slope = (top - bottom) / (thresholds.review - thresholds.known)
    exponent = top - slope * (distance - thresholds.known)
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, exponent))))


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def decide(candidates: Sequence[Near], thresholds: Thresholds) -> Match:
    """Return the decision for one face, given the nearest people.

    Two people whose distances differ by less than the pack's margin are not told apart by a machine: that is a review.
    """
    if not candidates:
        return Match("unknown", None, 0.0, None, "nobody is enrolled")
    best = candidates[0]
    sure = confidence(best.distance, thresholds)
    if best.distance > thresholds.review:
        return Match("unknown", None, sure, best.distance, "no enrolled person looks like this")
    if best.distance > thresholds.known:
        return Match("review", best.profile_id, sure, best.distance, "similar, but not enough to give a name")
    if len(candidates) > 1 and candidates[1].distance - best.distance < thresholds.margin:
        return Match("review", best.profile_id, sure, best.distance, "two enrolled people look like this")
    return Match("known", best.profile_id, sure, best.distance, "")


class GalleryMatcher:
    """A matcher of faces with people, by the gallery and the thresholds of the face's pack."""

    def __init__(self, nearest: Nearest, space_of: SpaceOf) -> None:
        self._nearest = nearest
        self._space_of = space_of

    def identify(self, face: Face) -> Match:
        """Return the decision for one face; a face that cannot be compared is unknown, and the reason says why."""
        space = self._space_of(face.pack)
        if space is None:
            return _nobody(f"no vision worker has said how faces of pack {face.pack} are compared")
        limits = space.thresholds
        if face.quality.width < limits.min_width:
            return _nobody(f"the face is {face.quality.width:.0f} px wide; {limits.min_width:.0f} are needed")
        vector = face.vector()
        if vector is None:
            return _nobody("the face could not be measured")
        if vector.shape != (space.size,):
            return _nobody(f"the face has {len(vector)} values; pack {face.pack} has {space.size}")
        return decide(self._nearest(vector, face.pack, 2), limits)


def _nobody(reason: str) -> Match:
    return Match("unknown", None, 0.0, None, reason)
