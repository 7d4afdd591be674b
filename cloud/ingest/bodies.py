"""The effect of each kind of message, in the transaction that notes it as received. One function per kind, in one
table.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from sqlmodel import Session

from cloud.database.ledger import jobs
from cloud.database.people import erasures, profiles
from cloud.database.records import evidence, records
from cloud.database.tables.records import IncidentRow
from cloud.database.tables.site import BoxRow
from cloud.database.telling import deliveries, releases
from contract.chain import SignedEntry, check_signature, commitment
from contract.errors import Rejected
from contract.incident import Action, Incident, LogRecord
from contract.ledger import LedgerRecord
from contract.messages import (
    ActionRecorded,
    ErasureDone,
    EvidenceChunk,
    IncidentRecorded,
    LogRecorded,
    NoticeMade,
    ProfileChanged,
    ProfileCreated,
    ProfileErased,
    Up,
)
from contract.moments import now
from contract.policy import Policy, decide_on, severity_of


class Setting(NamedTuple):
    """The handlers' settings: where files are kept, and the site's policy."""

    files: Path
    policy: Policy = Policy()


class Arrival(NamedTuple):
    """A message and the box that sent it."""

    message: Up
    box: BoxRow


def incident(session: Session, setting: Setting, arrival: Arrival, body: IncidentRecorded) -> None:
    _from_here(arrival, body.incident.device, "the incident")
    _chain(session, setting, arrival, body.incident, body.salt, body.entry)
    records.add_incident(session, body.incident)
    _pass_on(session, setting, body.incident)


def action(session: Session, setting: Setting, arrival: Arrival, body: ActionRecorded) -> None:
    known = session.get(IncidentRow, body.action.incident)
    if known is not None:
        _from_here(arrival, known.box, "the incident")
    _chain(session, setting, arrival, body.action, body.salt, body.entry)
    records.add_action(session, body.action, arrival.box.id)


def log(session: Session, setting: Setting, arrival: Arrival, body: LogRecorded) -> None:
    _from_here(arrival, body.log.device, "the log record")
    _chain(session, setting, arrival, body.log, body.salt, body.entry)
    records.add_log(session, body.log)
    _pass_on(session, setting, body.log)


def notice(session: Session, setting: Setting, arrival: Arrival, body: NoticeMade) -> None:
    _from_here(arrival, body.notice.device, "the notice")
    records.add_notice(session, body.notice, arrival.box.id)
    deliveries.plan_for_notice(session, body.notice, arrival.box.id)


def profile_created(session: Session, setting: Setting, arrival: Arrival, body: ProfileCreated) -> None:
    profiles.apply_created(session, body, arrival.box.id, _made_at(arrival))


def profile_changed(session: Session, setting: Setting, arrival: Arrival, body: ProfileChanged) -> None:
    profiles.apply_changed(session, body, arrival.box.id, arrival.message.id, _made_at(arrival))


def profile_erased(session: Session, setting: Setting, arrival: Arrival, body: ProfileErased) -> None:
    profiles.erase(session, body.profile_id, f"{body.by}@{arrival.box.id}", must_exist=False)


def erasure_done(session: Session, setting: Setting, arrival: Arrival, body: ErasureDone) -> None:
    erasures.confirm(session, body.profile_id, arrival.box.id)


def evidence_chunk(session: Session, setting: Setting, arrival: Arrival, body: EvidenceChunk) -> str | None:
    try:
        evidence.add_chunk(session, setting.files, arrival.box.id, body)
    except evidence.DamagedFile as error:
        # Not raised on: that the chunks were dropped has to be committed.
        return str(error)
    return None


Handler = Callable[[Session, Setting, Arrival, Any], str | None]
HANDLERS: dict[str, Handler] = {
    "incident": incident,
    "action": action,
    "log": log,
    "notice": notice,
    "profile_created": profile_created,
    "profile_changed": profile_changed,
    "profile_erased": profile_erased,
    "erasure_done": erasure_done,
    "evidence": evidence_chunk,
}
"""Message type -> what it does. A handler raises Rejected or Conflict to have the message quarantined and its own
effects undone, Unavailable to have it sent again later; it returns a reason to be quarantined with its effects kept."""


def profile_of(message: Up) -> str | None:
    """Return the profile that a box is to be told anew when this message is refused."""
    body = message.body
    if isinstance(body, ProfileCreated):
        return body.profile.id
    return body.profile_id if isinstance(body, ProfileChanged) else None


def _from_here(arrival: Arrival, device: str, what: str) -> None:
    if device != arrival.box.id:
        raise Rejected(f"{what} is of {device}, and {arrival.box.id} sent it")


def _chain(
    session: Session,
    setting: Setting,
    arrival: Arrival,
    record: Incident | Action | LogRecord,
    salt: str,
    signed: SignedEntry,
) -> None:
    entry = signed.entry
    _from_here(arrival, entry.device, "the chain entry")
    if (entry.record_type, entry.record_id) != (arrival.message.body.type, record.id):
        raise Rejected(
            f"the chain entry is about {entry.record_type} {entry.record_id}, the record is {record.id}"
        )
    if commitment(record, salt) != entry.commitment:
        raise Rejected(f"record {record.id} is not the one that its chain entry commits to")
    check_signature(signed, arrival.box.public_key)
    records.add_entry(session, arrival.box.id, signed, salt)
    decision = decide_on(record, setting.policy)
    on_ledger = LedgerRecord(id=record.id, commitment=entry.hash(), severity=severity_of(record))
    jobs.add(session, on_ledger, decision.channels, arrival.box.id, at_once=decision.at_once)


def _pass_on(session: Session, setting: Setting, record: Incident | LogRecord) -> None:
    deliveries.plan_for_record(session, record, setting.policy)
    for organisation in decide_on(record, setting.policy).released:
        releases.release(session, record.id, organisation, releases.BY_RULE)


def _made_at(arrival: Arrival) -> str:
    # A clock that runs ahead must not let its changes win for a year.
    return min(arrival.message.made_at, now())
