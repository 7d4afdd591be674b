"""How two embeddings are compared, and when a site's own thresholds fit a pack."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from contract.embedding import EmbeddingSpace, Thresholds
from contract.errors import Rejected

LIMITS = Thresholds(known=0.5, review=0.6, verify=0.55, margin=0.02, min_width=32)
EUCLIDEAN = EmbeddingSpace(pack="a", size=4, metric="euclidean", thresholds=LIMITS)
COSINE = EmbeddingSpace(pack="b", size=4, metric="cosine", thresholds=LIMITS)
VECTORS = hnp.arrays("<f4", 4, elements=st.floats(-100, 100, width=32)).filter(lambda v: np.linalg.norm(v) > 0.1)


def test_euclidean_is_the_length_between():
    assert EUCLIDEAN.distance(np.array([1, 0, 0, 0]), np.array([1, 3, 4, 0])) == pytest.approx(5)


@pytest.mark.parametrize(("other", "distance"), [([5, 0, 0, 0], 0), ([0, 2, 0, 0], 1), ([-3, 0, 0, 0], 2)])
def test_cosine_is_one_minus_the_similarity_whatever_the_lengths(other, distance):
    assert COSINE.distance(np.array([2, 0, 0, 0]), np.array(other)) == pytest.approx(distance)


@given(VECTORS, VECTORS, st.sampled_from([EUCLIDEAN, COSINE]))
def test_a_distance_has_no_direction(one, two, space):
    assert space.distance(one, two) == pytest.approx(space.distance(two, one), abs=1e-3)
    assert space.distance(one, one) == pytest.approx(0, abs=1e-5)
    assert space.distances(one, np.stack([two, one])) == pytest.approx([space.distance(one, two), 0], abs=1e-3)


def test_the_mean_of_a_cosine_pack_has_length_one_and_every_template_counts_alike():
    mean = COSINE.mean(np.array([[100, 0, 0, 0], [0, 1, 0, 0]]))
    assert mean == pytest.approx([0.5**0.5, 0.5**0.5, 0, 0])
    assert EUCLIDEAN.mean(np.array([[100, 0, 0, 0], [0, 1, 0, 0]])) == pytest.approx([50, 0.5, 0, 0])


@pytest.mark.parametrize("space", [EUCLIDEAN, COSINE])
def test_another_size_is_never_compared(space):
    with pytest.raises(ValueError, match="have 4 values"):
        space.distance(np.ones(4), np.ones(5))
    with pytest.raises(ValueError, match="have 4 values"):
        space.distance(np.ones(3), np.ones(3))


@pytest.mark.parametrize("wrong", [{"known": 0.7}, {"known": 0.6}, {"known": 0}, {"margin": -1}, {"verify": "x"}])
def test_thresholds_that_make_no_sense_cannot_be_built(wrong):
    with pytest.raises(ValidationError):
        Thresholds(**{**LIMITS.model_dump(), **wrong})


def test_a_sites_own_thresholds_replace_the_packs_where_they_fit():
    assert COSINE.limited(None, None) == COSINE
    own = COSINE.limited(0.3, None).thresholds
    assert (own.known, own.review, own.verify) == (0.3, 0.6, 0.55)
    with pytest.raises(Rejected, match=r"matching\.known \(0\.7\) must be below matching\.review \(0\.6\)"):
        COSINE.limited(0.7, None)
