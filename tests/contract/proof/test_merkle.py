"""Merkle trees against Certificate Transparency's published vectors, and as properties."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.canonical import leaf_hash
from contract.errors import Rejected
from contract.proof.merkle import (
    check_consistency,
    consistency_path,
    inclusion_paths,
    root,
    root_from_path,
)

CT_LEAVES = [bytes.fromhex(t) for t in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 70)


def leaves(count):
    return [leaf_hash(str(i).encode()) for i in range(count)]


def test_empty_tree():
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_certificate_transparency_roots(size):
    assert root([leaf_hash(d) for d in CT_LEAVES[:size]]).hex() == CT_ROOTS[size - 1]


@given(SIZES, st.data())
def test_every_leaf_has_a_path_that_leads_to_the_root(size, data):
    index = data.draw(st.integers(0, size - 1))
    tree = leaves(size)
    assert root_from_path(tree[index], index, size, inclusion_paths(tree)[index]) == root(tree)


@given(st.integers(2, 70), st.data())
def test_a_path_does_not_fit_another_place(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
    tree = leaves(size)
    path = inclusion_paths(tree)[index]
    with contextlib.suppress(Rejected):
        assert root_from_path(tree[index], other, size, path) != root(tree)


@given(SIZES, st.data())
def test_a_path_of_wrong_length_is_rejected(size, data):
    index = data.draw(st.integers(0, size - 1))
    tree = leaves(size)
    path = inclusion_paths(tree)[index]
    with pytest.raises(Rejected):
        root_from_path(tree[index], index, size, [*path, b"\0" * 32])
    if path:
        with pytest.raises(Rejected):
            root_from_path(tree[index], index, size, path[:-1])


@given(SIZES, st.data())
def test_consistency_holds_for_prefixes_only(size, data):
    old = data.draw(st.integers(1, size))
    tree = leaves(size)
    path = consistency_path(tree, old)
    check_consistency(root(tree[:old]), old, root(tree), size, path)
    rewritten = [leaf_hash(b"other"), *tree[1:]]
    with pytest.raises(Rejected):
        check_consistency(root(rewritten[:old]), old, root(tree), size, path)
