"""The ledger's own entries, page by page: is each explained by an entry of a box?"""

from collections.abc import Iterator

from cloud.database import audit_rows
from cloud.database.engine import Database
from cloud.database.ledger_audits import Finding
from cloud.ledger.audit.findings import finding
from contract.ledger import LedgerChannel
from contract.ports import Ledger

PAGE = 200


def unexplained(database: Database, ledger: Ledger, channel: LedgerChannel) -> Iterator[Finding | None]:
    """A finding for each entry of the ledger that no entry of a box explains, None for each that is explained. Raises
    Unavailable."""
    after = -1
    while page := ledger.page(channel, after, PAGE):
        with database.read() as session:
            entries = audit_rows.entries_of(session, [record.id for _, record in page])
            meant = audit_rows.channels_of(session, [record.id for _, record in page])
        for number, record in page:
            where = f"channel {channel}, entry {number}, id {record.id}"
            entry = entries.get(record.id)
            if entry is None:
                yield finding("unexplained", where, "no entry of a box has this id")
            elif record.commitment != entry.hash:
                yield finding("ledger-other", where, f"the ledger has {record.commitment[:16]}..., entry "
                                                     f"{entry.sequence} of box {entry.box} is {entry.hash[:16]}...")
            elif (record.id, channel) not in meant:
                yield finding("unexplained", where, f"entry {entry.sequence} of box {entry.box} was never meant for "
                                                    f"channel {channel}")
            else:
                yield None
        after = page[-1][0]
