"""Merkle trees and inclusion proofs of RFC 6962 section 2 (Certificate Transparency)."""

import hashlib
from collections.abc import Sequence

from contract.errors import Rejected

EMPTY_ROOT = hashlib.sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """Return the largest power of two below count."""
    return 1 << (count - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return node_hash(root(leaves[:middle]), root(leaves[middle:]))


def inclusion_paths(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return for every leaf the sibling hashes from it to the root (RFC 6962, 2.1.1)."""
    if len(leaves) < 2:
        return [[] for _ in leaves]
    middle = _split(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    left_root, right_root = root(left), root(right)
    return [*([*path, right_root] for path in inclusion_paths(left)),
            *([*path, left_root] for path in inclusion_paths(right))]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that this path leads to. Raises Rejected when the path is not one of a tree of `size` leaves."""
    if not 0 <= index < size:
        raise Rejected(f"leaf {index} is not in a tree of {size}")
    steps = list(path)

    def climb(index: int, size: int) -> bytes:
        if size == 1:
            return leaf
        if not steps:
            raise Rejected("the inclusion path is too short for this tree")
        sibling = steps.pop()
        middle = _split(size)
        if index < middle:
            return node_hash(climb(index, middle), sibling)
        return node_hash(sibling, climb(index - middle, size - middle))

    top = climb(index, size)
    if steps:
        raise Rejected("the inclusion path is too long for this tree")
    return top


def consistency_path(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the hashes that show that the tree of the first old_size leaves is a prefix of this one (RFC 6962 2.1.2).
    """
    if not 0 < old_size <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} has no prefix of {old_size}")

    def sub(old: int, part: Sequence[bytes], whole: bool) -> list[bytes]:
        if old == len(part):
            return [] if whole else [root(part)]
        middle = _split(len(part))
        if old <= middle:
            return [*sub(old, part[:middle], whole), root(part[middle:])]
        return [*sub(old - middle, part[middle:], False), root(part[:middle])]

    return sub(old_size, leaves, True)


def check_consistency(old_root: bytes, old_size: int, new_root: bytes, new_size: int, path: Sequence[bytes]) -> None:
    """Raise Rejected unless the old tree is a prefix of the new one."""
    steps = list(path)

    def take() -> bytes:
        if not steps:
            raise Rejected("the consistency path is too short")
        return steps.pop()

    def climb(old: int, size: int, whole: bool) -> tuple[bytes, bytes]:
        if old == size:
            top = old_root if whole else take()
            return top, top
        middle = _split(size)
        if old <= middle:
            right = take()
            before, now = climb(old, middle, whole)
            return before, node_hash(now, right)
        left = take()
        before, now = climb(old - middle, size - middle, False)
        return node_hash(left, before), node_hash(left, now)

    if not 0 < old_size <= new_size:
        raise Rejected(f"a tree of {new_size} has no prefix of {old_size}")
    if climb(old_size, new_size, True) != (old_root, new_root) or steps:
        raise Rejected("the old tree is not a prefix of the new one: the log was rewritten")
