"""One message from a box, from its bytes to its receipt. Every message is one transaction; nothing it holds stops the
next one."""

import hashlib
import logging
import time
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlmodel import Session

from cloud.database import boxes, meta
from cloud.database.engine import Database
from cloud.database.people import profiles
from cloud.database.records import received
from cloud.database.records.received import Outcome
from cloud.ingest.bodies import HANDLERS, Arrival, Setting, profile_of
from contract.errors import Conflict, Rejected, Unavailable
from contract.ids import Hash, Id, Name
from contract.messages import MAX_MESSAGE, Receipt, Up, check_up, decode

log = logging.getLogger(__name__)

TRIES = 4
PAUSE_S = 0.2


class Taken(NamedTuple):
    """`receipt` is None when the box is to send it again later, or may not speak. `result` is for the metrics."""

    receipt: Receipt | None
    result: str


def take(database: Database, setting: Setting, box: str, payload: bytes) -> Taken:
    """Commit what the message says, or quarantine it; what it answers is committed when this returns.

    Raises Unavailable when the database cannot be used just now: the box will send the message again.
    """
    try:
        message = _read(box, payload)
    except Rejected as error:
        return _unreadable(database, box, payload, str(error))
    for attempt in range(TRIES):
        try:
            return _commit(database, setting, message)
        except Unavailable as error:
            log.info("message %s of %s has to wait: %s", message.id, box, error)
            return Taken(None, "deferred")
        except (OperationalError, DBAPIError) as error:
            # A deadlock, a restart of the server, a full disk: the same again may succeed.
            log.warning("message %s of %s, attempt %d: %s", message.id, box, attempt + 1, error.orig)
            time.sleep(PAUSE_S * attempt)
    raise Unavailable(f"message {message.id} of {box} could not be committed")


def _read(box: str, payload: bytes) -> Up:
    message = decode(Up, payload)
    if message.box != box:
        raise Rejected(f"the message says it is of {message.box}, and {box} sent it")
    check_up(message)
    return message


def _commit(database: Database, setting: Setting, message: Up) -> Taken:
    with database.write() as session:
        box = boxes.active(session, message.box)
        if box is None:
            log.warning("message %s of %s refused: the box is not active", message.id, message.box)
            return Taken(None, "refused")
        outcome, result = received.outcome_of(session, message), "duplicate"
        if outcome is None and not received.first_time(session, message):
            outcome = received.outcome_of(session, message)
        if outcome is None:
            outcome = _effect(session, setting, Arrival(message, box))
            result = outcome.result
        epoch = meta.epoch(session)
    return Taken(_receipt(message.id, message.hash, epoch, outcome), result)


def _effect(session: Session, setting: Setting, arrival: Arrival) -> Outcome:
    message = arrival.message
    try:
        with session.begin_nested():
            reason = HANDLERS[message.body.type](session, setting, arrival, message.body)
    except (Rejected, Conflict) as error:
        reason = str(error)
    except DataError as error:
        reason = f"the database cannot hold this: {str(error.orig).splitlines()[0]}"
    if reason is None:
        return Outcome("committed")
    log.warning("message %s of %s quarantined: %s", message.id, message.box, reason)
    outcome = received.refuse(session, message, reason)
    refused_profile = profile_of(message)
    if refused_profile is not None:
        profiles.republish(session, refused_profile)
    return outcome


class _Label(BaseModel):
    """As much of an Up as is needed to say that the rest is wrong."""

    v: int
    id: Id
    hash: Hash
    box: Name


def _unreadable(database: Database, box: str, payload: bytes, reason: str) -> Taken:
    log.warning("a message of %s cannot be read: %s", box, reason)
    with database.write() as session:
        if boxes.active(session, box) is None:
            return Taken(None, "refused")
        received.quarantine_unreadable(
            session, box, f"up/{box}/record", hashlib.sha256(payload).hexdigest(), reason
        )
        epoch = meta.epoch(session)
    label = _label(payload)
    # Without a label nobody can be answered. Of another version no receipt is given: after an update of the cloud the
    # same message may be a good one.
    if label is None or label.v != 1 or label.box != box:
        return Taken(None, "unreadable")
    return Taken(_receipt(label.id, label.hash, epoch, Outcome("quarantined", reason)), "unreadable")


def _label(payload: bytes) -> _Label | None:
    if len(payload) > MAX_MESSAGE:
        return None
    try:
        return _Label.model_validate_json(payload)
    except ValidationError:
        return None


def _receipt(message_id: str, content_hash: str, epoch: str, outcome: Outcome) -> Receipt:
    return Receipt(
        id=message_id, hash=content_hash, epoch=epoch, result=outcome.result, reason=outcome.reason[:1000]
    )
