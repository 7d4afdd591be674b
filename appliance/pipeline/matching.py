"""From distances to a decision: known, review or unknown (thresholds of the pack, facts about its embedder)."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from contract.match import Match, Near
from contract.observation import Face

MIN_FACE_WIDTH = 32.0
"""Pixels. Below it the embedder's equal error rate rises from 1.6% to 11%."""


SURE_AT_KNOWN = 0.99
SURE_AT_REVIEW = 0.30
"""Share of pairs that are one person's at the two thresholds of the `open` pack, on held-out LFW pairs (two thirds of
what lies between the thresholds is genuine, nearly everything below the first)."""


class Thresholds(NamedTuple):
    """Distances of a pack: up to `known` a name is given, up to `review` somebody must look."""

    known: float
    review: float


Nearest = Callable[[np.ndarray, str, int], Sequence[Near]]
"""(vector, pack, count) -> nearest people, nearest first."""


def confidence(distance: float, thresholds: Thresholds) -> float:
    """The probability that two faces at this distance are one person's: the logistic curve through the two anchors."""
    top, bottom = _logit(SURE_AT_KNOWN), _logit(SURE_AT_REVIEW)
    slope = (top - bottom) / (thresholds.review - thresholds.known)
    exponent = top - slope * (distance - thresholds.known)
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, exponent))))


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def decide(candidates: Sequence[Near], thresholds: Thresholds) -> Match:
    """The decision for one face, given the nearest people.

    Two people who are both within the known distance and closer to each other than a fifth of it are not told apart
    by a machine: that is a review.
    """
    if not candidates:
        return Match("unknown", None, 0.0, None, "nobody is enrolled")
    best = candidates[0]
    sure = confidence(best.distance, thresholds)
    if best.distance > thresholds.review:
        return Match("unknown", None, sure, best.distance, "no enrolled person looks like this")
    if best.distance > thresholds.known:
        return Match("review", best.profile_id, sure, best.distance, "similar, but not enough to give a name")
    if len(candidates) > 1 and candidates[1].distance - best.distance < 0.04 * thresholds.known:
        return Match("review", best.profile_id, sure, best.distance, "two enrolled people look like this")
    return Match("known", best.profile_id, sure, best.distance, "")


class GalleryMatcher:
    """Who a face belongs to, by the gallery of the face's pack."""

    def __init__(self, nearest: Nearest, thresholds: Thresholds) -> None:
        self._nearest = nearest
        self._thresholds = thresholds

    def identify(self, face: Face) -> Match:
        """The decision for one face; a face too small or not embedded is unknown, and the reason says so."""
        vector = face.vector()
        if face.quality.width < MIN_FACE_WIDTH:
            reason = f"the face is {face.quality.width:.0f} px wide; {MIN_FACE_WIDTH:.0f} are needed"
            return Match("unknown", None, 0.0, None, reason)
        if vector is None:
            return Match("unknown", None, 0.0, None, "the face could not be measured")
        return decide(self._nearest(vector, face.pack, 2), self._thresholds)
