"""The decision for one face, and the vote over several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.pipeline.matching import GalleryMatcher, confidence, decide
from appliance.pipeline.voting import NEEDED, verdict
from contract.embedding import EmbeddingSpace, Thresholds
from contract.match import Match, Near
from contract.observation import Face, vector_to_text

LIMITS = Thresholds(known=0.50, review=0.60, verify=0.55, margin=0.02, min_width=32)
SPACE = EmbeddingSpace(pack="open-1", size=128, metric="euclidean", thresholds=LIMITS)


def face(width=80.0, embedding=True):
    return Face(box=(0, 0, width, width), score=0.9, landmarks=((1, 1),) * 5, pack="open-1",
                quality={"width": width, "sharpness": 90, "brightness": 120, "frontal": 1},
                embedding=vector_to_text(np.zeros(128)) if embedding else None)


@pytest.mark.parametrize(("distance", "status"), [
    (0.0, "known"), (0.50, "known"), (0.5001, "review"), (0.60, "review"), (0.6001, "unknown"), (1.4, "unknown")])
def test_the_thresholds_decide(distance, status):
    assert decide([Near("ada", distance)], LIMITS).status == status


def test_an_unknown_face_is_nobody_and_a_review_names_whom_to_look_at():
    assert decide([Near("ada", 0.9)], LIMITS).profile_id is None
    assert decide([Near("ada", 0.55)], LIMITS).profile_id == "ada"
    assert decide([], LIMITS).reason == "nobody is enrolled"


def test_two_people_who_look_alike_are_for_a_human():
    assert decide([Near("ada", 0.400), Near("eve", 0.410)], LIMITS).status == "review"
    assert decide([Near("ada", 0.400), Near("eve", 0.450)], LIMITS).status == "known"


@given(st.floats(0, 3), st.floats(0, 3))
def test_confidence_falls_with_distance_and_is_a_probability(one, other):
    near, far = sorted((one, other))
    assert 0 <= confidence(far, LIMITS) <= confidence(near, LIMITS) <= 1


def test_confidence_at_the_thresholds():
    assert confidence(0.50, LIMITS) == pytest.approx(0.99)
    assert confidence(0.60, LIMITS) == pytest.approx(0.30)


def test_a_face_too_small_or_not_measured_is_unknown_and_says_why():
    matcher = GalleryMatcher(lambda vector, pack, count: [Near("ada", 0.1)], lambda pack: SPACE)
    assert matcher.identify(face()).profile_id == "ada"
    assert "20 px wide; 32 are needed" in matcher.identify(face(width=20)).reason
    assert matcher.identify(face(embedding=False)).status == "unknown"


def test_each_pack_decides_by_its_own_thresholds():
    other = SPACE.model_copy(update={"thresholds": LIMITS.model_copy(update={
        "known": 0.2, "review": 0.3, "margin": 0.0, "min_width": 100.0})})
    for space, status in ((SPACE, "known"), (other, "review")):
        matcher = GalleryMatcher(lambda vector, pack, count: [Near("ada", 0.25), Near("eve", 0.271)],
                                 lambda pack, space=space: space)
        assert matcher.identify(face(width=120)).status == status
    assert "80 px wide; 100 are needed" in matcher.identify(face()).reason


def test_the_margin_is_the_packs():
    two = [Near("ada", 0.400), Near("eve", 0.430)]
    assert decide(two, LIMITS).status == "known"
    assert decide(two, LIMITS.model_copy(update={"margin": 0.04})).status == "review"


def test_what_cannot_be_compared_is_unknown_and_says_why():
    def refuse(*_):
        raise AssertionError("nothing may be compared")

    assert "no vision worker has said" in GalleryMatcher(refuse, lambda pack: None).identify(face()).reason
    shorter = SPACE.model_copy(update={"size": 64})
    assert "128 values" in GalleryMatcher(refuse, lambda pack: shorter).identify(face()).reason


def known(person):
    return Match("known", person, 0.99, 0.4, "")


UNKNOWN = Match("unknown", None, 0.0, 0.9, "")


def test_no_name_before_enough_votes():
    assert verdict([known("ada")] * (NEEDED - 1)).status == "open"
    assert verdict([known("ada")] * NEEDED) == ("known", "ada", 0.99)


def test_one_lucky_frame_does_not_name_a_stranger():
    assert verdict([known("ada"), *[UNKNOWN] * 4]).status == "unknown"
    assert verdict([*[known("ada")] * 3, *[UNKNOWN] * 3]).status != "known"


def test_two_names_on_one_track_name_nobody():
    assert verdict([*[known("ada")] * 5, known("eve"), known("eve")]).status != "known"


@given(st.lists(st.sampled_from([known("ada"), known("eve"), UNKNOWN,
                                 Match("review", "ada", 0.5, 0.55, "")]), max_size=20))
def test_a_name_is_given_only_with_a_majority(votes):
    result = verdict(votes)
    if result.status == "known":
        recent = votes[-9:]
        assert sum(v.status == "known" and v.profile_id == result.profile_id for v in recent) * 2 > len(recent)
