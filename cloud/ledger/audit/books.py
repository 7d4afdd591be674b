"""The ledger as the audit reads it: what it holds, and whether it still holds what a kept proof says."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from contract.errors import Conflict, NotFound, Rejected
from contract.ledger import FabricInclusion, InclusionProof, LedgerChannel, LedgerRecord, TreeHead
from contract.ports import Ledger
from contract.proof.document import check_tree_head
from contract.proof.merkle import EMPTY_ROOT, node_hash

PAGE = 200


class Written(NamedTuple):
    """A record on the ledger. `number` is its block, in the embedded log its leaf."""

    number: int
    record: LedgerRecord


class LedgerBatch(NamedTuple):
    """A Merkle root on the ledger. `proven` counts the leaves of which a kept proof was confirmed."""

    number: int
    transaction: str
    leaves: int
    proven: int


class Damage(NamedTuple):
    """The ledger contradicts itself."""

    text: str


Item = Written | LedgerBatch | Damage


class Books(Protocol):
    """One audit's view of a ledger. First confirm what is kept, then go through what is there."""

    def confirm(self, inclusion: InclusionProof | FabricInclusion) -> None:
        """Check on the ledger a proof that holds by itself. Raises Rejected when it is of another ledger, NotFound when
        the ledger does not have what it proves, Conflict when it has something else there, Unavailable.
        """
        ...

    def items(self, channel: LedgerChannel) -> Iterator[list[Item]]:
        """Yield page by page all that is on the channel. Raises Unavailable."""
        ...


class TreeBooks:
    """Of the embedded log."""

    def __init__(self, ledger: Ledger) -> None:
        """`ledger` may be open for reading only."""
        self._ledger = ledger

    def confirm(self, inclusion: InclusionProof | FabricInclusion) -> None:
        """See Books. The root over all leaves is compared with the signed head by `items`."""
        if not isinstance(inclusion, InclusionProof):
            raise Rejected("it is not of an embedded log")
        head = self._ledger.head(inclusion.channel)
        if isinstance(head, TreeHead) and head.log_key != inclusion.head.log_key:
            raise NotFound(f"the log there is another one: its key is {head.log_key[:16]}..., the proof's "
                           f"{inclusion.head.log_key[:16]}...")
        page = self._ledger.page(inclusion.channel, inclusion.index - 1, 1).records
        if not page or page[0][0] != inclusion.index:
            raise NotFound(f"the log has no leaf {inclusion.index}")
        if page[0][1] != inclusion.record:
            raise Conflict(f"leaf {inclusion.index} of the log is not this record")

    def items(self, channel: LedgerChannel) -> Iterator[list[Item]]:
        """See Books."""
        head = self._ledger.head(channel)
        tree = SignedTree(head) if isinstance(head, TreeHead) else None
        after: int | None = -1
        while after is not None:
            records, after = self._ledger.page(channel, after, PAGE)
            yield [Written(*entry) for entry in records]
            if tree is not None:
                yield [damage for entry in records for damage in tree.add(*entry)]
        if tree is not None:
            yield list(tree.faults())


class Shelf:
    """The books of every ledger that this cloud has written on: one that went from the embedded log to Fabric has
    both."""

    def __init__(self, books: dict[str, Books]) -> None:
        """Kind of proof -> the books it is looked up in."""
        self._books = books

    def confirm(self, inclusion: InclusionProof | FabricInclusion) -> None:
        """See Books."""
        if inclusion.kind not in self._books:
            raise Rejected(f"it is a proof of kind {inclusion.kind}, of a ledger that this cloud does not have")
        self._books[inclusion.kind].confirm(inclusion)

    def items(self, channel: LedgerChannel) -> Iterator[list[Item]]:
        """See Books."""
        for books in self._books.values():
            yield from books.items(channel)


class SignedTree:
    """Computes the root over a log's leaves as they go by, for the signed head that was asked for before. Memory: one
    hash per level of the tree (RFC 6962 2.1)."""

    def __init__(self, head: TreeHead) -> None:
        self._head = head
        self._peaks: list[tuple[int, bytes]] = []
        self._size = 0

    def add(self, number: int, record: LedgerRecord) -> Iterator[Damage]:
        """Take the next leaf; what came after the head was signed does not count."""
        if number >= self._head.size:
            return
        if number != self._size:
            yield Damage(f"leaf {self._size} is missing: the next one is {number}")
        level, value = 0, record.leaf()
        while self._peaks and self._peaks[-1][0] == level:
            value = node_hash(self._peaks.pop()[1], value)
            level += 1
        self._peaks.append((level, value))
        self._size = number + 1

    def faults(self) -> Iterator[Damage]:
        """Say, after the last leaf, whether the signed head is of these leaves."""
        try:
            check_tree_head(self._head)
        except Rejected as error:
            yield Damage(error.detail)
        if self._size != self._head.size:
            yield Damage(f"its signed head says {self._head.size} leaves, it has {self._size}")
        elif self._root() != self._head.root:
            yield Damage("its leaves do not have the root that was signed: one of them was changed")

    def _root(self) -> str:
        peaks = [value for _, value in self._peaks]
        top = peaks.pop() if peaks else EMPTY_ROOT
        while peaks:
            top = node_hash(peaks.pop(), top)
        return top.hex()
