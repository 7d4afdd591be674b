"""YuNet's decoding, and the table of detectors by kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_pack import write_pack
from vision.faces import yunet
from vision.faces.detectors import DETECTORS, decoder_of
from vision.faces.points import SOURCES
from vision.packs import manifest as words
from vision.packs.fields import ManifestError
from vision.packs.manifest import load_manifest

STRIDES = (8, 16, 32)


def empty(size=320):
    return [np.zeros(shape, "<f4") for shape in yunet.outputs(size, STRIDES).values()]


def put(values, stride, row, column, size=320, cls=1.0, obj=1.0, box=(0, 0, 0, 0), points=(0,) * 10):
    """Writes one detection into the outputs."""
    cell, at = row * (size // stride) + column, STRIDES.index(stride)
    for part, value in enumerate((cls, obj, box, points)):
        values[part * 3 + at][cell] = value


def test_outputs_are_those_of_the_published_network():
    shapes = yunet.outputs(640, STRIDES)
    assert list(shapes)[:4] == ["cls_8", "cls_16", "cls_32", "obj_8"]
    assert (shapes["cls_8"], shapes["obj_16"], shapes["bbox_32"], shapes["kps_8"]) == (
        (6400, 1), (1600, 1), (400, 4), (6400, 10))


@given(stride=st.sampled_from(STRIDES), row=st.integers(0, 9), column=st.integers(0, 9),
       cls=st.floats(0.7, 1), obj=st.floats(0.7, 1), shift=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
       side=st.tuples(st.floats(4, 300), st.floats(4, 300)), point=st.floats(-3, 3))
def test_a_face_comes_out_where_it_was_put(stride, row, column, cls, obj, shift, side, point):
    values = empty()
    put(values, stride, row, column, cls=cls, obj=obj, points=np.full(10, point),
        box=(*shift, np.log(side[0] / stride), np.log(side[1] / stride)))
    scores, rows = yunet.decode(values, 320, STRIDES, 0.6)
    assert scores == pytest.approx([(cls * obj) ** 0.5], abs=1e-5)
    x, y = (column + shift[0]) * stride, (row + shift[1]) * stride
    assert rows[0, :4] == pytest.approx(
        [x - side[0] / 2, y - side[1] / 2, x + side[0] / 2, y + side[1] / 2], abs=1e-2)
    assert rows[0, 4:].reshape(5, 2) == pytest.approx(
        np.tile([(column + point) * stride, (row + point) * stride], (5, 1)), abs=1e-2)


def test_what_scores_below_is_left_out_and_nonsense_stays_finite():
    values = empty()
    put(values, 8, 1, 1, cls=0.6, obj=0.5)
    assert len(yunet.decode(values, 320, STRIDES, 0.6)[0]) == 0
    put(values, 8, 2, 2, cls=9.0, obj=5.0, box=(0, 0, 1000, 1000))
    scores, rows = yunet.decode(values, 320, STRIDES, 0.6)
    assert scores.tolist() == [1.0]
    assert np.isfinite(rows).all()


def test_of_boxes_on_one_face_the_best_stays(tmp_path):
    decoder = decoder_of(load_manifest(write_pack(tmp_path / "p")))
    values = empty()
    for column, cls in ((4, 0.8), (5, 1.0), (9, 0.9)):
        put(values, 32, 4, column, cls=cls, box=(0.5, 0.5, np.log(2), np.log(2)))
    scores, rows = decoder.decode(values, 0.6)
    assert scores == pytest.approx([1.0, 0.9**0.5])
    assert rows[:, 0].tolist() == [144 + 32 - 32, 304 - 32]


def test_each_word_of_the_manifest_has_its_row():
    assert set(words.DETECTORS) == set(DETECTORS)
    assert set(words.LANDMARKS) == set(SOURCES)


@pytest.mark.parametrize(("changes", "named"), [
    ({"faces__per": [1, 2, 1]}, "yunet has 1 in each cell"),
    ({"faces__network__size": 300}, "yunet wants a multiple of 32"),
    ({"embedder__template": "dlib5"}, "dlib5 needs other landmarks than the detector yunet gives"),
    ({"faces__kind": "blazeface"}, "arcface5 needs other landmarks than the detector blazeface gives"),
])
def test_settings_that_do_not_fit_the_kind_are_named(tmp_path, changes, named):
    with pytest.raises(ManifestError, match=named):
        decoder_of(load_manifest(write_pack(tmp_path / "p", **changes)))
