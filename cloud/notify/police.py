"""The police log's own voice: an entry that arrives there tells the configured police contact by itself."""

from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.telling import alerts, deliveries
from contract.ports import Ledger

CURSOR = "police-told-through"
PAGE = 100
NO_CONTACT = "an entry arrived in the police log, and the site has no police contact; add one under Contacts"


def tell_police(database: Database, ledger: Ledger) -> int:
    """Plan deliveries for the entries that came since the last call; return how many entries there were.

    The ids follow from record and address, so an entry seen twice, or one whose incident has told the police
    already, is told once. Raises Unavailable when the ledger cannot be reached.
    """
    with database.read() as session:
        after = int(meta.get(session, CURSOR) or -1)
    entries = ledger.page("police", after, PAGE).records
    if not entries:
        return 0
    with database.write() as session:
        for _, record in entries:
            if not deliveries.plan(session, record.id, (), ("police",), None):
                alerts.nobody_could_be_told(session, record.id, None, NO_CONTACT)
        meta.put(session, CURSOR, str(entries[-1][0]))
    return len(entries)
