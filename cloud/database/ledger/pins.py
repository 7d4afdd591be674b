"""Pins of the ledger that this database wrote on: the hash of the first block of each channel of a Fabric network."""

from sqlmodel import col, delete, update

from cloud.database import meta
from cloud.database.engine import Database, insert_if_absent
from cloud.database.tables.ledger import LedgerJobRow, SubmissionRow
from cloud.database.tables.site import MetaRow
from contract.ledger import LedgerChannel


class GenesisPins:
    """Keeps the first hash it is shown of a channel. What was kept is asked of the database once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[LedgerChannel, str] = {}

    def __call__(self, channel: LedgerChannel, seen: str) -> str:
        """The hash that is kept; `seen`, if none was."""
        if channel not in self._known:
            with self._database.write() as session:
                insert_if_absent(session, MetaRow(key=_key(channel), value=seen))
                self._known[channel] = meta.get(session, _key(channel)) or seen
        return self._known[channel]


def start_over(database: Database) -> int:
    """Forget which ledger it was, for it was replaced on purpose, and queue every record for the new one. Returns how
    many places of records that are. The cloud must not run meanwhile. Proofs of the old ledger stay until there is one
    of the new; what people took along still shows what it showed."""
    with database.write() as session:
        session.exec(delete(MetaRow).where(col(MetaRow.key).startswith(_key(""))))
        session.exec(delete(SubmissionRow))
        changed = session.exec(
            update(LedgerJobRow)
            .where(col(LedgerJobRow.state) != "parked")
            .values(state="recorded", submission=None, not_before="", claim="", claimed_until="", reason="")
        )
    return int(changed.rowcount)


def _key(channel: str) -> str:
    return f"ledger-genesis-{channel}"
