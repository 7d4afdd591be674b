"""An RFC 6962 tree over stored nodes: appending and proving cost O(log n), whatever the size.

A node (level, index) is the hash over the 2**level leaves from index * 2**level on. Only perfect subtrees are
stored; every hash of the tree is made of at most log n of them.
"""

from collections.abc import Callable

from contract.proof.merkle import EMPTY_ROOT, node_hash

Node = tuple[int, int]
Read = Callable[[int, int], bytes]


def new_nodes(size: int, leaf: bytes, read: Read) -> list[tuple[Node, bytes]]:
    """Return the nodes that appending `leaf` to a tree of `size` leaves completes, the leaf itself first."""
    nodes: list[tuple[Node, bytes]] = [((0, size), leaf)]
    level, index, value = 0, size, leaf
    while index % 2:
        value = node_hash(read(level, index - 1), value)
        level, index = level + 1, index // 2
        nodes.append(((level, index), value))
    return nodes


def root(size: int, read: Read) -> bytes:
    """Return the root over the first `size` leaves."""
    return range_hash(0, size, read) if size else EMPTY_ROOT


def range_hash(begin: int, end: int, read: Read) -> bytes:
    """Return the hash over the leaves begin..end-1, where `begin` is a multiple of the range's largest power of two."""
    width = end - begin
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return read(level, begin >> level)
    middle = begin + _split(width)
    return node_hash(range_hash(begin, middle, read), range_hash(middle, end, read))


def inclusion_path(index: int, size: int, read: Read) -> list[bytes]:
    """Return one of contract.proof.merkle.inclusion_paths, from stored nodes."""
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(begin, middle, read))
            begin = middle
    return path[::-1]


def consistency_path(old_size: int, size: int, read: Read) -> list[bytes]:
    """Return contract.proof.merkle.consistency_path, from stored nodes."""
    path: list[bytes] = []
    begin, end, whole = 0, size, True
    while old_size != end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            path.append(range_hash(middle, end, read))
            end = middle
        else:
            path.append(range_hash(begin, middle, read))
            begin, whole = middle, False
    if not whole:
        path.append(range_hash(begin, end, read))
    return path[::-1]


def _split(width: int) -> int:
    return 1 << (width - 1).bit_length() - 1


def peaks(size: int) -> list[Node]:
    """Return the perfect subtrees that a tree of `size` leaves is made of, the largest first."""
    begin, found = 0, []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append((level, begin >> level))
            begin += 1 << level
    return found
