"""The audit of a ledger's channel: is each entry explained by an entry of a box?"""

from collections.abc import Iterator

from cloud.database.engine import Database
from cloud.database.ledger import audit_rows
from cloud.database.ledger.audits import AuditFinding
from cloud.ledger.audit.books import Damage, Item, LedgerBatch, Written
from cloud.ledger.audit.findings import finding
from contract.ledger import LedgerChannel


def unexplained(database: Database, channel: LedgerChannel, page: list[Item]) -> Iterator[AuditFinding]:
    """Yield a finding for each record and batch that no entry of a box explains, and for each damage."""
    records = [item for item in page if isinstance(item, Written)]
    with database.read() as session:
        known = audit_rows.entries_of(session, [item.record.id for item in records])
        meant = audit_rows.channels_of(session, [item.record.id for item in records])
    for number, record in records:
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
    for item in page:
        if isinstance(item, Damage):
            yield finding("ledger-damaged", f"channel {channel}", item.text)
        elif isinstance(item, LedgerBatch) and item.proven < item.leaves:
            yield from _unproven(database, channel, item)


def _unproven(database: Database, channel: LedgerChannel, batch: LedgerBatch) -> Iterator[AuditFinding]:
    """Of a batch of which not every leaf was confirmed: it may be on its way just now, or its proofs were told of."""
    with database.read() as session:
        kept = audit_rows.leaves_of(session, channel, batch.transaction)
    if kept < batch.leaves:
        yield finding("unexplained", f"channel {channel}, block {batch.number}, transaction {batch.transaction}",
                      f"a batch of {batch.leaves} records, of which {kept} are known here")
