"""A police log's own voice: an entry that arrives there tells that organisation's contacts by itself."""

from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.telling import alerts, deliveries
from contract.policy import Organisation
from contract.ports import Ledger

PAGE = 100
NO_CONTACT = "an entry arrived in the {0} log, and the site has no {0} contact; add one under Contacts"


def tell_police(database: Database, ledger: Ledger, organisation: Organisation) -> int:
    """Plan deliveries for the entries that came on the organisation's log since the last call; return how many entries
    there were.

    The ids follow from record and address, so an entry seen twice, or one whose incident has told the police
    already, is told once. Raises Unavailable when the ledger cannot be reached.
    """
    with database.read() as session:
        after = int(meta.get(session, _cursor(organisation)) or -1)
    entries = ledger.page(organisation, after, PAGE).records
    if not entries:
        return 0
    with database.write() as session:
        for _, record in entries:
            if not deliveries.plan(session, record.id, (), (organisation,), None):
                alerts.nobody_could_be_told(session, record.id, None, NO_CONTACT.format(organisation))
        meta.put(session, _cursor(organisation), str(entries[-1][0]))
    return len(entries)


def _cursor(organisation: Organisation) -> str:
    return f"{organisation}-told-through"
