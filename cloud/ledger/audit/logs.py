"""The ledger's own entries, page by page: is each explained by an entry of a box, and is the log what was signed?"""

from collections.abc import Iterator

from cloud.database import audit_rows
from cloud.database.engine import Database
from cloud.database.ledger_audits import Finding
from cloud.ledger.audit.findings import finding
from contract.errors import Rejected
from contract.ledger import LedgerChannel, LedgerRecord, TreeHead
from contract.merkle import EMPTY_ROOT, node_hash
from contract.ports import Ledger
from contract.proof import check_tree_head

PAGE = 200
Entry = tuple[int, LedgerRecord]


def entries(ledger: Ledger, channel: LedgerChannel) -> Iterator[list[Entry]]:
    """All of a channel, page by page. Raises Unavailable."""
    after = -1
    while page := ledger.page(channel, after, PAGE):
        yield page
        after = page[-1][0]


def unexplained(database: Database, channel: LedgerChannel, page: list[Entry]) -> Iterator[Finding]:
    """A finding for each entry that no entry of a box explains."""
    with database.read() as session:
        known = audit_rows.entries_of(session, [record.id for _, record in page])
        meant = audit_rows.channels_of(session, [record.id for _, record in page])
    for number, record in page:
        where = f"channel {channel}, entry {number}, id {record.id}"
        entry = known.get(record.id)
        if entry is None:
            yield finding("unexplained", where, "no entry of a box has this id")
        elif record.commitment != entry.hash:
            yield finding("ledger-other", where, f"the ledger has {record.commitment[:16]}..., entry {entry.sequence} "
                                                 f"of box {entry.box} is {entry.hash[:16]}...")
        elif (record.id, channel) not in meant:
            yield finding("unexplained", where, f"entry {entry.sequence} of box {entry.box} was never meant for "
                                                f"channel {channel}")


class SignedTree:
    """Computes the root over a log's leaves as they go by, for the signed head that was asked for before. Memory: one
    hash per level of the tree (RFC 6962 2.1)."""

    def __init__(self, head: TreeHead) -> None:
        self._head = head
        self._peaks: list[tuple[int, bytes]] = []
        self._size = 0

    def add(self, number: int, record: LedgerRecord) -> Iterator[Finding]:
        """The next leaf; what came after the head was signed does not count."""
        if number >= self._head.size:
            return
        if number != self._size:
            yield self._damaged(f"leaf {self._size} is missing: the next one is {number}")
        level, value = 0, record.leaf()
        while self._peaks and self._peaks[-1][0] == level:
            value = node_hash(self._peaks.pop()[1], value)
            level += 1
        self._peaks.append((level, value))
        self._size = number + 1

    def faults(self) -> Iterator[Finding]:
        """After the last leaf: whether the signed head is of these leaves."""
        try:
            check_tree_head(self._head)
        except Rejected as error:
            yield self._damaged(error.detail)
        if self._size != self._head.size:
            yield self._damaged(f"its signed head says {self._head.size} leaves, it has {self._size}")
        elif self._root() != self._head.root:
            yield self._damaged("its leaves do not have the root that was signed: one of them was changed")

    def _root(self) -> str:
        peaks = [value for _, value in self._peaks]
        top = peaks.pop() if peaks else EMPTY_ROOT
        while peaks:
            top = node_hash(peaks.pop(), top)
        return top.hex()

    def _damaged(self, text: str) -> Finding:
        return finding("ledger-damaged", f"channel {self._head.channel}", text)
