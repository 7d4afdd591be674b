"""Deliveries: who is to be told, as rows that a worker claims, tries and settles. One row per recipient and address."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import update
from sqlmodel import Session, col, select

from cloud.database import site
from cloud.database.changes import publish_change
from cloud.database.engine import insert_if_absent
from cloud.database.tables.people import ProfileRow
from cloud.database.tables.records import ActionRow, IncidentRow
from cloud.database.tables.telling import DeliveryRow
from contract.delivery import (
    FINAL,
    Delivery,
    DeliveryState,
    Notice,
    plan_deliveries,
    victims,
)
from contract.errors import NotFound, Rejected
from contract.ids import derived_id
from contract.incident import Action, Incident, LogRecord
from contract.moments import from_epoch, from_text, now
from contract.policy import Audience, Policy, decide_on
from contract.profile import Profile

WAITING = ("pending", "sending")


def plan_for_record(session: Session, record: Incident | LogRecord, policy: Policy, step: int = 0) -> list[Delivery]:
    """Return the deliveries that the site's policy asks for in this step; those that are there already stay as they
    are.

    Raises Rejected when the policy has no such step for this record.
    """
    steps = decide_on(record, policy).steps
    if step >= len(steps):
        raise Rejected(f"the policy has {len(steps)} steps for record {record.id}, and no step {step}")
    if isinstance(record, Incident):
        return plan(session, record.id, victims(record), steps[step].audience, record.device, step)
    # A box shows no deliveries of a log record.
    return plan(session, record.id, (), steps[step].audience, None, step)


def plan_for_notice(session: Session, notice: Notice, box: str | None) -> list[Delivery]:
    """Plan the deliveries of POST /notify; `box` is where it was asked for, None in the cloud."""
    return plan(session, notice.id, notice.users, notice.audience, box)


def plan(
    session: Session, subject: str, users: Iterable[str], audience: Iterable[Audience], box: str | None, step: int = 0
) -> list[Delivery]:
    """Insert what is not there yet; return all that is planned for this request, [] when nobody can be
    told."""

    def find(profile_id: str) -> Profile | None:
        row = session.get(ProfileRow, profile_id)
        return None if row is None else Profile.model_validate_json(row.content)

    planned = plan_deliveries(subject, users, audience, site.get(session), find, now(), step)
    # All rows before the first number: whoever holds the numbering never waits for a row.
    new = [
        d
        for d in planned
        if insert_if_absent(session, DeliveryRow(**d.model_dump(), box=box, not_before=d.updated_at))
    ]
    if box is not None:
        for delivery in new:
            publish_change(session, scope=box, kind="delivery", key=delivery.id)
    return planned


class DeliveryClaim(NamedTuple):
    """A delivery that is now this worker's to try. `unclear` counts earlier requests of which nobody knows
    whether they arrived: when it is not 0, look the alert up at the provider before sending it again."""

    delivery: Delivery
    unclear: int


def claim_due(session: Session, at: str, limit: int, lease_s: float) -> list[DeliveryClaim]:
    """Take up to `limit` deliveries that are due, for `lease_s` seconds: nobody else gets them meanwhile.

    Each has its attempts counted up already. One whose worker died while sending counts one more unclear
    request. Commit before sending."""
    rows = session.exec(
        select(DeliveryRow)
        .where(
            col(DeliveryRow.state).in_(WAITING), DeliveryRow.not_before <= at, DeliveryRow.claimed_until <= at
        )
        .order_by(col(DeliveryRow.not_before), col(DeliveryRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.unclear += row.state == "sending"
        row.attempts += 1
        row.state = "sending"
        row.claimed_until = from_epoch(from_text(at).timestamp() + lease_s)
        session.add(row)
    session.flush()
    return [DeliveryClaim(_delivery(row), row.unclear) for row in rows]


def take_over(session: Session) -> None:
    """Call it when the only process on this database starts: what an earlier one left in the middle of
    sending is looked up now, and not when its lease has run out."""
    session.execute(update(DeliveryRow).where(col(DeliveryRow.state) == "sending").values(claimed_until=""))


def settle(
    session: Session,
    delivery_id: str,
    state: DeliveryState,
    *,
    unclear: int | None = None,
    provider_id: str | None = None,
    reason: str = "",
    not_before: str | None = None,
) -> Delivery:
    """Say how an attempt ended, and tell the box.

    `pending` with `not_before` (an Instant) is tried again then. `unclear` None and `provider_id` None keep
    what is known. A delivery that was acknowledged meanwhile stays so."""
    row = _row(session, delivery_id, to_change=True)
    row.claimed_until = ""
    row.provider_id = provider_id or row.provider_id
    row.unclear = row.unclear if unclear is None else unclear
    if row.state not in FINAL:
        row.state, row.reason = state, reason[:1000]
        row.not_before = not_before or row.not_before
    row.updated_at = now()
    return _saved(session, row)


def get(session: Session, delivery_id: str) -> Delivery:
    """Return a delivery. Raises NotFound."""
    return _delivery(_row(session, delivery_id))


def for_subject(session: Session, subject: str) -> list[Delivery]:
    """Return the deliveries of an incident, a notice or a log record; [] when there are none."""
    rows = session.exec(
        select(DeliveryRow)
        .where(DeliveryRow.subject == subject)
        .order_by(col(DeliveryRow.audience), col(DeliveryRow.id))
    )
    return [_delivery(row) for row in rows]


def page(session: Session, states: tuple[DeliveryState, ...], limit: int) -> list[Delivery]:
    """Return deliveries in these states, newest first."""
    rows = session.exec(
        select(DeliveryRow)
        .where(col(DeliveryRow.state).in_(states))
        .order_by(col(DeliveryRow.updated_at).desc(), col(DeliveryRow.id))
        .limit(limit)
    )
    return [_delivery(row) for row in rows]


def acknowledge(session: Session, delivery_id: str, by: str, at: str) -> Delivery:
    """Note that the recipient has seen it. Of an incident's delivery this also acknowledges the incident, and the box
    is told.

    Doing it twice is harmless. Raises NotFound.
    """
    row = _row(session, delivery_id, to_change=True)
    if not _answered(row, at):
        return _delivery(row)
    incident = session.get(IncidentRow, row.subject)
    new_action = None
    if incident is not None:
        action = Action(
            id=derived_id("acknowledged", delivery_id), incident=row.subject, verb="acknowledge", by=by, at=at
        )
        fields = {"id": action.id, "incident": action.incident, "at": at, "verb": action.verb}
        if insert_if_absent(session, ActionRow(**fields, content=action.model_dump_json())):
            new_action = action.id
    delivery = _saved(session, row)
    if incident is not None and new_action is not None:
        publish_change(session, scope=incident.box, kind="action", key=new_action)
    return delivery


def acknowledge_alone(session: Session, delivery_id: str, at: str) -> bool:
    """Note that the recipient has seen it, where no incident hangs on it; whether that is new. Raises NotFound."""
    row = _row(session, delivery_id, to_change=True)
    new = _answered(row, at)
    _saved(session, row)
    return new


def forget_person(session: Session, person: str) -> list[DeliveryRow]:
    """Take an erased person's addresses out; what was not sent yet never will be. Returns the rows to
    publish."""
    rows = session.exec(
        select(DeliveryRow)
        .where(DeliveryRow.recipient == person, DeliveryRow.address != "")
        .with_for_update()
    ).all()
    for row in rows:
        row.address = ""
        if row.state in WAITING:
            row.state, row.reason = "failed", "the person was erased"
        session.add(row)
    session.flush()
    return list(rows)


def _row(session: Session, delivery_id: str, *, to_change: bool = False) -> DeliveryRow:
    row = session.get(DeliveryRow, delivery_id, with_for_update=to_change or None)
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return row


def _answered(row: DeliveryRow, at: str) -> bool:
    if row.state == "acknowledged":
        return False
    row.state, row.reason, row.updated_at = "acknowledged", "", at
    return True


def _saved(session: Session, row: DeliveryRow) -> Delivery:
    session.add(row)
    session.flush()
    if row.box is not None:
        publish_change(session, scope=row.box, kind="delivery", key=row.id)
    return _delivery(row)


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(**row.model_dump(include=set(Delivery.model_fields)))
