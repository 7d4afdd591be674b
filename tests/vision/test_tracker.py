"""One thing keeps one id, through movement, gaps and neighbours."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision.boxes import best_pairs, overlap_table
from vision.people.pairing import dwarfed, pair
from vision.tracker import Tracker

BOXES = st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(1, 200), st.floats(1, 200))


def follow(*pictures, keep_s=1.5, every=0.1):
    """The ids that the boxes of successive pictures get."""
    tracker = Tracker(itertools.count(1), 0.2, keep_s)
    return [[trail.id for trail in tracker.update(boxes, [1.0] * len(boxes), frame, frame * every)]
            for frame, boxes in enumerate(pictures)]


def test_a_moving_box_keeps_its_id():
    assert follow(*[[(10.0 * frame, 5, 40, 80)] for frame in range(20)]) == [[1]] * 20


def test_two_that_pass_each_other_apart_keep_their_ids():
    pictures = [[(8.0 * frame, 0, 30, 60), (300 - 8.0 * frame, 100, 30, 60)] for frame in range(30)]
    assert follow(*pictures) == [[1, 2]] * 30


def test_the_order_of_the_boxes_does_not_matter():
    left, right = (0, 0, 30, 60), (200, 0, 30, 60)
    assert follow([left, right], [right, left]) == [[1, 2], [2, 1]]


def test_a_gap_is_bridged_by_the_movement_so_far():
    pictures = [[(12.0 * frame, 0, 30, 60)] for frame in range(10)] + [[]] * 8 + [[(12.0 * 18, 0, 30, 60)]]
    assert follow(*pictures)[-1] == [1]


def test_after_too_long_it_is_somebody_new():
    assert follow([(0, 0, 30, 60)], *[[]] * 20, [(0, 0, 30, 60)])[-1] == [2]


def test_a_box_elsewhere_is_somebody_new():
    assert follow([(0, 0, 30, 60)], [(400, 300, 30, 60)]) == [[1], [2]]


@given(st.lists(st.lists(BOXES, max_size=6), max_size=6))
def test_every_box_gets_one_id_of_its_own(pictures):
    for ids, boxes in zip(follow(*pictures), pictures, strict=True):
        assert len(ids) == len(boxes) == len(set(ids))


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_bounded(one, two):
    table = overlap_table(np.array([one]), np.array([two]))
    assert 0 <= table[0, 0] <= 1 + 1e-9
    assert np.isclose(table[0, 0], overlap_table(np.array([two]), np.array([one]))[0, 0])
    assert np.isclose(overlap_table(np.array([one]), np.array([one]))[0, 0], 1)


def test_pairs_are_taken_cheapest_first():
    assert best_pairs(np.array([[0.5, 0.1], [0.2, 0.3]]), 0.6) == [(0, 1), (1, 0)]
    assert best_pairs(np.array([[0.5, 0.1], [0.2, 0.3]]), 0.15) == [(0, 1)]


def test_a_face_belongs_to_the_smallest_body_that_holds_it_high_up():
    person, group = (100, 100, 60, 180), (50, 90, 300, 220)
    assert pair([(120, 105, 20, 25)], [group, person]) == {0: 1}
    assert pair([(120, 230, 20, 25)], [person]) == {}
    assert pair([(300, 105, 20, 25)], [person]) == {}


def test_two_faces_never_share_a_body():
    assert pair([(110, 105, 20, 25), (130, 105, 20, 25)], [(100, 100, 60, 180)]) == {0: 0}


def test_what_moves_around_a_large_face_is_not_a_figure():
    face = (100, 80, 80, 80)
    assert dwarfed((80, 60, 120, 200), face)
    assert not dwarfed((80, 60, 120, 600), face)
    assert not dwarfed((600, 60, 60, 150), face)
