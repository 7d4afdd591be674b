"""The detector's geometry: letterbox, anchors, decoding, NMS, tiles."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.faces import blaze
from vision.faces.blaze import Region

SIZES = st.integers(2, 4000)


def test_anchor_counts_are_those_of_the_networks():
    assert blaze.anchors(192, [4], [1]).shape == (2304, 2)
    assert blaze.anchors(224, [8, 16, 32], [2, 2, 6]).shape == (2254, 2)


def test_anchors_are_centres_row_by_row():
    assert np.allclose(blaze.anchors(8, [4], [1]), [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])


@given(SIZES, SIZES)
def test_a_letterbox_is_centred_and_inside(width, height):
    box = blaze.fit(width, height, 192)
    assert max(box.width, box.height) == 192
    assert 0 <= box.left * 2 - (192 - box.width) + 1 <= 1
    assert 0 <= box.top * 2 - (192 - box.height) + 1 <= 1


@given(SIZES, SIZES, st.floats(0, 1), st.floats(0, 1))
def test_a_point_comes_back_from_the_letterbox(width, height, across, down):
    box, region = blaze.fit(width, height, 192), Region(30, 40, 30 + width, 40 + height)
    x, y = across * width, down * height
    row = np.array([[x * box.scale + box.left, y * box.scale + box.top] * 2])
    assert np.allclose(blaze.to_picture(row, box, region), [[x + 30, y + 40] * 2], atol=1e-6 * max(width, height))


def test_decoding_puts_a_box_on_its_anchor():
    centres = blaze.anchors(192, [4], [1])
    regressors, logits = np.zeros((2304, 16), np.float32), np.full(2304, -50.0, np.float32)
    logits[100] = 2.0
    regressors[100, :4] = [1.0, -2.0, 20.0, 30.0]
    scores, rows = blaze.decode(regressors, logits, centres, 192, 0.6)
    x, y = centres[100] * 192
    assert scores == pytest.approx([1 / (1 + np.exp(-2.0))])
    assert rows.shape == (1, 16)
    assert np.allclose(rows[0, :4], [x + 1 - 10, y - 2 - 15, x + 1 + 10, y - 2 + 15], atol=1e-4)
    assert np.allclose(rows[0, 4:6], [x, y], atol=1e-4)


def test_nothing_above_the_score_decodes_to_nothing():
    scores, rows = blaze.decode(np.zeros((2304, 16)), np.full(2304, -9.0), blaze.anchors(192, [4], [1]), 192, 0.6)
    assert scores.shape == (0,)
    assert rows.shape == (0, 16)


def test_weighted_nms_averages_what_overlaps_and_keeps_the_rest():
    rows = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], float)
    scores, merged = blaze.weighted_nms(np.array([0.6, 0.9, 0.7]), rows, 0.3)
    assert scores == pytest.approx([0.9, 0.7])
    assert merged[0] == pytest.approx([(2 * 0.9) / 1.5, 0, 12 - 2 * 0.6 / 1.5, 10])
    assert merged[1] == pytest.approx([50, 50, 60, 60])


def test_a_box_inside_a_better_one_is_dropped():
    rows = np.array([[0, 0, 100, 100], [10, 10, 30, 30], [90, 90, 140, 140]], float)
    scores, kept = blaze.drop_contained(np.array([0.9, 0.8, 0.7]), rows)
    assert scores.tolist() == [0.9, 0.7]
    assert kept[1].tolist() == [90, 90, 140, 140]


@given(st.integers(200, 4000), st.integers(200, 4000), st.integers(1, 4), st.integers(1, 4))
def test_tiles_cover_the_picture(width, height, columns, rows):
    parts = blaze.tiles(width, height, columns, rows)
    if columns * rows == 1:
        assert parts == []
        return
    assert min(part.x0 for part in parts) == min(part.y0 for part in parts) == 0
    assert max(part.x1 for part in parts) == width
    assert max(part.y1 for part in parts) == height
    for one, two in itertools.pairwise(parts):
        if one.y0 == two.y0:
            assert one.x1 > two.x0


@pytest.mark.parametrize(("size", "expected"), [
    ((1280, 720), (3, 2)), ((720, 1280), (2, 3)), ((640, 480), (2, 2)), ((320, 240), (1, 1)), ((1000, 1000), (3, 3)),
])
def test_tiles_are_near_square(size, expected):
    assert blaze.grid(*size, 320, 640) == expected


def test_what_touches_an_inner_border_is_left_to_the_neighbour():
    region = Region(100, 0, 200, 100)
    rows = np.array([[101, 10, 120, 30], [150, 1, 170, 30], [150, 50, 199, 80], [130, 50, 150, 99]], float)
    assert blaze.whole_in(rows, region, 400, 100).tolist() == [False, True, False, True]
