"""The exported proof of a record, put together from what the database has."""

from sqlmodel import Session, select

from cloud.database import boxes
from cloud.database.ledger import standing
from cloud.database.tables.records import ActionRow, EntryRow, IncidentRow, LogRow
from contract.chain import SignedEntry
from contract.errors import NotFound, Unavailable
from contract.policy import Organisation, channels_shown_to
from contract.proof.document import RECORDS, Proof

_TABLES: dict[str, type[IncidentRow] | type[ActionRow] | type[LogRow]] = {
    "incident": IncidentRow, "action": ActionRow, "log": LogRow}


def proof_of(session: Session, record_id: str, organisation: Organisation | None) -> Proof:
    """Return the proof for a reader of this police organisation, None: of the site: with the inclusions on the channels
    shown to it. Raises NotFound; Unavailable while the record is not anchored.
    """
    entry = session.get(EntryRow, record_id)
    content = _content(session, _TABLES[entry.record_type], record_id) if entry else None
    if entry is None or content is None:
        raise NotFound(f"there is no record {record_id}")
    inclusions = tuple(inclusion for anchor, inclusion in standing.where_anchored(session, record_id)
                       if anchor.channel in channels_shown_to(organisation))
    if not inclusions:
        state, reason = standing.standing(session, record_id)
        raise Unavailable(f"record {record_id} is {state}, not anchored yet", hint=reason or "try again in a moment")
    return Proof(record=RECORDS[entry.record_type].model_validate_json(content), salt=entry.salt,
                 entry=SignedEntry.model_validate_json(entry.content), box_key=boxes.get(session, entry.box).public_key,
                 inclusions=inclusions)


def _content(session: Session, table: type[IncidentRow] | type[ActionRow] | type[LogRow], record_id: str) -> str | None:
    return session.exec(select(table.content).where(table.id == record_id)).first()
