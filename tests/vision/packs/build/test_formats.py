"""The readers of dlib's and TFLite's formats, on bytes made by hand."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.packs.build.dlib_format import DlibFormatError, Reader
from vision.packs.build.embedder import convert_embedder
from vision.packs.build.five_points import convert_five_points
from vision.packs.build.tflite_tensors import densify


def integer(value):
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def real(value):
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**53)) + integer(exponent - 53)


@given(st.integers(-2**63, 2**63))
def test_integers(value):
    assert Reader(integer(value)).integer() == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300, allow_subnormal=False))
def test_reals(value):
    assert Reader(real(value)).real() == value


@pytest.mark.parametrize(("exponent", "value"), [(32000, math.inf), (32001, -math.inf)])
def test_infinities(exponent, value):
    assert Reader(integer(0) + integer(exponent)).real() == value


def test_not_a_number():
    assert math.isnan(Reader(integer(0) + integer(32002)).real())


def test_a_tensor_a_text_and_a_matrix_follow_each_other():
    values = [1.5, -2.0, 0.25, 8.0]
    data = (b"".join(map(integer, (2, 1, 1, 2, 2))) + struct.pack("<4f", *values) + integer(3) + b"abc"
            + integer(-2) + integer(-1) + real(0.5) + real(-4.0) + b"1")
    reader = Reader(data)
    assert reader.tensor().reshape(-1).tolist() == values
    assert reader.text() == "abc"
    assert reader.matrix().tolist() == [[0.5], [-4.0]]
    assert reader.boolean() is True
    reader.expect_end()


def test_what_is_left_over_is_an_error():
    with pytest.raises(DlibFormatError, match="2 bytes are left"):
        Reader(b"ab").expect_end()


@given(st.binary(max_size=400))
def test_any_other_bytes_are_refused(data):
    for convert in (convert_embedder, convert_five_points):
        with pytest.raises((ValueError, OverflowError)):
            convert(data)


def test_a_compressed_last_dimension_becomes_dense():
    """Rows [5 0 6], [0 0 0], [0 7 0] in CSR."""
    levels = [3, (np.array([0, 2, 2, 3]), np.array([0, 2, 1]))]
    assert densify(np.array([5, 6, 7]), [3, 3], [0, 1], [], levels).tolist() == [[5, 0, 6], [0, 0, 0], [0, 7, 0]]


def test_blocks_become_dense():
    """A 4 x 4 matrix of 2 x 2 blocks: one block upper right, one lower left."""
    levels = [2, (np.array([0, 1, 2]), np.array([1, 0])), 2, 2]
    dense = densify(np.arange(1, 9), [4, 4], [0, 1, 2, 3], [0, 1], levels)
    assert dense.tolist() == [[0, 0, 1, 2], [0, 0, 3, 4], [5, 6, 0, 0], [7, 8, 0, 0]]


@given(st.integers(1, 5), st.integers(1, 5), st.randoms(use_true_random=False))
def test_compressing_and_back_is_the_same(rows, columns, random):
    dense = np.array([[random.choice([0, 0, 1, 2]) for _ in range(columns)] for _ in range(rows)])
    segments = np.concatenate([[0], np.cumsum((dense != 0).sum(1))])
    levels = [rows, (segments, np.nonzero(dense)[1])]
    assert (densify(dense[dense != 0], [rows, columns], [0, 1], [], levels) == dense).all()
