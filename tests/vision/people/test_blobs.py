"""Blobs that move are found, confirmed by the pose network's word, and forgotten when it keeps refusing."""

import itertools

import numpy as np
import pytest

from vision.cpu.background import Background
from vision.people.blobs import Blobs, People


def scene(*figures, light=1.0, size=(240, 320)):
    """A still noisy yard with dark figures (x, y, w, h)."""
    yard = np.random.default_rng(7).integers(120, 160, (*size, 3)).astype(np.float32)
    for x, y, width, height in figures:
        yard[y:y + height, x:x + width] = 30
    return np.clip(yard * light, 0, 255).astype(np.uint8)


def watch(pictures, presence, faces=()):
    people = People(Blobs(*_blobs()), presence, 0.5, itertools.count(1), 0.2, 1.5)
    return [people.update(picture, frame, frame * 0.1, faces) for frame, picture in enumerate(pictures)]


def _blobs():
    background = Background()
    return background.find, background.absorb


def walk(count, start=10, step=4):
    return [scene()] * 5 + [scene((start + step * frame, 100, 24, 70)) for frame in range(count)]


def test_a_walker_is_one_person_all_the_way():
    seen = watch(walk(60), lambda rgb, box: 0.9)[5:]
    assert {body.id for bodies in seen for body in bodies} == {1}
    assert sum(len(bodies) == 1 for bodies in seen) >= 58
    x, y, width, height = seen[30][0].box
    assert x == pytest.approx(10 + 4 * 30, abs=8)
    assert y == pytest.approx(100, abs=8)
    assert width == pytest.approx(24, abs=14)
    assert height == pytest.approx(70, abs=14)


def test_boxes_are_in_pixels_of_a_larger_picture():
    pictures = [picture.repeat(3, axis=0).repeat(3, axis=1) for picture in walk(10)]
    x, y, _, height = watch(pictures, lambda rgb, box: 0.9)[-1][0].box
    assert (x, y, height) == pytest.approx((3 * 46, 300, 210), abs=24)


def test_who_stands_still_is_not_absorbed():
    pictures = walk(10) + [scene((46, 100, 24, 70))] * 300
    assert len(watch(pictures, lambda rgb, box: 0.9)[-1]) == 1


def test_what_the_pose_network_refuses_is_nobody_and_then_background():
    looks = []
    pictures = walk(5) + [scene((26, 100, 24, 70))] * 80
    seen = watch(pictures, lambda rgb, box: looks.append(box) or 0.1)
    assert not any(seen)
    assert len(looks) < 15, "a refused blob is looked at again and again"


def test_one_bad_look_does_not_end_a_person():
    answers = itertools.chain([0.9, 0.9, 0.1], itertools.repeat(0.9))
    seen = watch(walk(60), lambda rgb, box: next(answers))[6:]
    assert all(len(bodies) == 1 for bodies in seen)


def test_a_change_of_light_is_not_a_crowd():
    seen = watch([scene()] * 5 + [scene(light=0.7)] * 20 + [scene(light=1.2)] * 20, lambda rgb, box: 0.9)
    assert not any(seen)


def test_shoulders_around_a_large_face_are_left_to_the_face():
    seen = watch(walk(20, step=0), lambda rgb, box: 0.9, faces=[(10, 100, 30, 40)])
    assert not any(seen)


def test_few_looks_a_picture_even_in_a_crowd():
    crowd = [(10 + 40 * column, 20 + 110 * row, 16, 60) for column in range(7) for row in range(2)]
    looks = []
    pictures = [scene()] * 5 + [scene(*crowd)] * 5
    watch(pictures, lambda rgb, box: looks.append(box) or 0.9)
    assert 0 < len(looks) <= 15
