"""The stored tree gives what contract.proof.merkle computes from all leaves, for every size and prefix."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.ledger import tree
from contract.canonical import leaf_hash
from contract.proof import merkle


def grown(count: int) -> tuple[list[bytes], dict]:
    leaves = [leaf_hash(str(number).encode()) for number in range(count)]
    nodes: dict = {}
    for number, leaf in enumerate(leaves):
        for place, value in tree.new_nodes(number, leaf, lambda *key: nodes[key]):
            assert nodes.setdefault(place, value) == value
    return leaves, nodes


LEAVES, NODES = grown(130)


def read(level, number):
    return NODES[level, number]


def test_every_root_is_the_contracts():
    assert tree.root(0, read) == hashlib.sha256(b"").digest()
    for size in range(1, 131):
        assert tree.root(size, read) == merkle.root(LEAVES[:size])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_paths_are_the_contracts(data):
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert tree.inclusion_path(index, size, read) == merkle.inclusion_paths(LEAVES[:size])[index]
    path = tree.consistency_path(old, size, read)
    assert path == merkle.consistency_path(LEAVES[:size], old)
    merkle.check_consistency(merkle.root(LEAVES[:old]), old, merkle.root(LEAVES[:size]), size, path)


def test_work_grows_with_the_logarithm():
    size = 1 << 16
    calls = []

    def counted(level, number):
        calls.append((level, number))
        return bytes(32)

    tree.new_nodes(size - 1, bytes(32), counted)
    tree.inclusion_path(12345, size - 1, counted)
    tree.consistency_path(12345, size - 1, counted)
    assert len(calls) < 200
