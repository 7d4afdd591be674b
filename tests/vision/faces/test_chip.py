"""Chips: landmarks land on their places, by dlib's convention and the plain one; quality is measured at one scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.faces.chip import MEASURED_SIZE, TEMPLATES, chip_for, chip_to_measure, eyes_and_nose
from vision.faces.quality import frontal
from vision.packs import manifest as words

SIMILARITY = {"scale": st.floats(0.1, 9), "angle": st.floats(-3.1, 3.1), "x": st.floats(-500, 2000),
              "y": st.floats(-500, 2000)}


def moved(points, scale, angle, x, y):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points.dot(turn.T) + (x, y)


def laid(plan, places):
    """Where chip pixels lie in the image."""
    return plan.matrix.dot(np.vstack([places.T, np.ones(len(places))])).T


def test_each_word_of_the_manifest_has_its_template():
    assert set(words.TEMPLATES) == set(TEMPLATES)


@given(**SIMILARITY)
def test_landmarks_in_the_templates_form_come_back_exactly(scale, angle, x, y):
    template = TEMPLATES["arcface5"]
    places = template.places * 112
    plan = chip_for(moved(places, scale, angle, x, y), template, 112)
    expected = moved(places, scale, angle, x, y)
    assert np.abs(laid(plan, places) - expected).max() < 1e-8 * np.abs(expected).max() + 1e-6


@given(**SIMILARITY)
def test_dlibs_convention_differs_by_less_than_a_pixel_of_the_chip(scale, angle, x, y):
    template = TEMPLATES["dlib5"]
    places = template.places * 150
    plan = chip_for(moved(places, scale, angle, x, y), template, 150)
    away = laid(plan, places) - moved(places, scale, angle, x, y)
    assert np.abs(away).max() < max(scale, 1)


def test_arcface_places_are_the_published_ones_and_scale_with_the_chip():
    places = TEMPLATES["arcface5"].places
    assert places[0] * 112 == pytest.approx([38.2946, 51.6963])
    assert places[4] * 224 == pytest.approx([2 * 70.7299, 2 * 92.2041])


@given(st.integers(0, 1000), st.floats(0.3, 4), st.floats(-3.1, 3.1))
def test_arcfaces_chip_is_the_similarity_that_is_least_in_chip_pixels(seed, scale, angle):
    """Against a general least-squares solver: x' = p x - q y + u, y' = q x + p y + v."""
    template = TEMPLATES["arcface5"]
    places = template.places * 112
    landmarks = moved(places, scale, angle, 60, 40) + scale * np.random.default_rng(seed).normal(0, 4, (5, 2))
    x, y, one, zero = landmarks[:, 0], landmarks[:, 1], np.ones(5), np.zeros(5)
    rows = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    p, q, u, v = np.linalg.lstsq(rows, places.T.ravel(), rcond=None)[0]
    to_chip = np.array([[p, -q, u], [q, p, v], [0, 0, 1]])
    assert chip_for(landmarks, template, 112).matrix == pytest.approx(np.linalg.inv(to_chip)[:2], abs=1e-6)


def test_points_that_are_all_one_make_no_error():
    for template in TEMPLATES.values():
        assert np.isfinite(chip_for(np.full((5, 2), 7.0), template, 112).matrix).all()


def test_quality_is_measured_at_one_scale_and_place():
    eyes = [(t.measured[[t.right, t.left]] * MEASURED_SIZE) for t in TEMPLATES.values()]
    dlib_eyes = np.array([TEMPLATES["dlib5"].measured[0:2].mean(0), TEMPLATES["dlib5"].measured[2:4].mean(0)])
    assert eyes[1] == pytest.approx(dlib_eyes * MEASURED_SIZE, abs=0.3)
    landmarks = TEMPLATES["arcface5"].places * 500
    plan = chip_to_measure(landmarks, TEMPLATES["arcface5"])
    places = TEMPLATES["arcface5"].measured * MEASURED_SIZE
    assert pytest.approx(landmarks, abs=1e-6) == plan.matrix.dot(np.vstack([places.T, np.ones(5)])).T


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_face_from_the_front_is_frontal_and_one_from_the_side_is_not(name):
    template = TEMPLATES[name]
    points = template.places.copy()
    assert frontal(*eyes_and_nose(points, template)) > 0.95
    points[template.nose] = points[template.right]
    assert frontal(*eyes_and_nose(points, template)) < 0.3
