"""A person's word: a record is handed to a police organisation, whatever the site's policy did with it before."""

from sqlmodel import Session

from cloud.database.ledger import jobs
from cloud.database.tables.records import EntryRow
from cloud.database.tables.telling import ReleaseRow
from cloud.database.telling import deliveries, releases
from contract.incident import Incident, LogRecord
from contract.ledger import LedgerRecord
from contract.policy import Organisation, severity_of


def hand_over(session: Session, record: Incident | LogRecord, organisation: Organisation, by: str) -> ReleaseRow:
    """Release the record's details to the organisation. Where it knew nothing of the record until now, the record also
    goes onto its ledger channel, at once, and the organisation is told. Twice is harmless."""
    row = releases.release(session, record.id, organisation, by)
    entry = session.get_one(EntryRow, record.id)
    on_ledger = LedgerRecord(id=record.id, commitment=entry.hash, severity=severity_of(record))
    if jobs.add(session, on_ledger, (organisation,), entry.box, at_once=True):
        box = entry.box if isinstance(record, Incident) else None
        deliveries.plan(session, record.id, (), (organisation,), box)
    return row
