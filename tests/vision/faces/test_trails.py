"""Faces from picture to picture: a sure look is believed from then on, gaps are bridged, landmarks stay with theirs."""

import itertools

from vision.faces.reader import Found
from vision.faces.trails import FaceTrails
from vision.tracker import Tracker

HERE, THERE = (10.0, 10.0, 40.0, 40.0), (300.0, 10.0, 40.0, 40.0)


def trails():
    return FaceTrails(Tracker(itertools.count(1), 0.2, 1.5), 1.5, sure=0.7)


def scores(faces, *values, every=0.1):
    """Ids believed in each of successive pictures that show one face with these scores (None: no face)."""
    looks = [[] if value is None else [Found(HERE, value)] for value in values]
    return [[face.trail.id for face in faces.update(found, frame, frame * every)] for frame, found in enumerate(looks)]


def test_a_face_is_believed_from_its_first_sure_look_on():
    assert scores(trails(), 0.65, 0.69, 0.7, 0.61) == [[], [], [1], [1]]


def test_a_short_gap_takes_no_belief_away():
    faces = trails()
    assert scores(faces, 0.9, None, None, 0.61) == [[1], [], [], [1]]


def test_after_too_long_it_must_be_sure_again():
    assert scores(trails(), 0.9, None, 0.61, every=1.0) == [[1], [], []]


def test_a_face_unseen_for_a_moment_is_still_where_to_look():
    faces = trails()
    faces.update([Found(HERE, 0.9)], 0, 0.0)
    faces.update([Found(THERE, 0.6)], 1, 0.1)
    recent = {trail.box: faces.believed(trail) for trail in faces.recent(0.2)}
    assert recent == {HERE: True, THERE: False}
    assert [trail.box for trail in faces.recent(1.55)] == [THERE]


def test_each_trail_has_what_was_found_of_it_in_this_picture():
    faces = trails()
    first = faces.update([Found(HERE, 0.9, "a"), Found(THERE, 0.9, "b")], 0, 0.0)
    second = faces.update([Found(THERE, 0.8, "c"), Found(HERE, 0.8, "d")], 1, 0.1)
    assert [(face.trail.id, face.found.landmarks) for face in first] == [(1, "a"), (2, "b")]
    assert [(face.trail.id, face.found.landmarks) for face in second] == [(2, "c"), (1, "d")]
