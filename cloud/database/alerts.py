"""What alerts are about, and the alarms raised when somebody could not be told."""

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database import deliveries, site
from cloud.database.engine import insert_if_absent
from cloud.database.feed import publish_change
from cloud.database.tables import DeliveryRow, IncidentRow, LogRow, NoticeRow, ProfileRow
from contract.delivery import Delivery, Notice
from contract.ids import derived_id
from contract.incident import Incident, LogRecord
from contract.moments import now

NOBODY = "nobody"
"""Recipient of the row that says that nobody could be told."""
UNDELIVERED = "security, of an undelivered alert"
"""Recipient of the one alert per subject and address that tells security of failed ones."""


def subject_of(session: Session, subject: str) -> Incident | Notice | LogRecord | None:
    """The record that deliveries with this subject are about, None when it is not here."""
    for table, model in ((IncidentRow, Incident), (NoticeRow, Notice), (LogRow, LogRecord)):
        row = session.get(table, subject)
        if row is not None:
            return model.model_validate_json(row.content)
    return None


def names_of(session: Session, people: tuple[str, ...]) -> dict[str, str]:
    """Person id -> name, of those enrolled."""
    rows = session.exec(select(ProfileRow.id, ProfileRow.name).where(col(ProfileRow.id).in_(people)))
    return dict(rows.all())


def untold(session: Session, limit: int = 100) -> list[Incident]:
    """High and critical incidents without a single delivery row: nobody could be told, and nobody said so yet."""
    told = select(DeliveryRow.id).where(DeliveryRow.subject == IncidentRow.id).exists()
    rows = session.exec(select(IncidentRow.content)
                        .where(col(IncidentRow.severity).in_(("high", "critical")), ~told)
                        .order_by(col(IncidentRow.received_at).desc()).limit(limit))
    return [Incident.model_validate_json(content) for content in rows]


def nobody_could_be_told(session: Session, subject: str, box: str | None, why: str) -> bool:
    """Put it on record as a failed delivery to security, which pages and the API show. Whether that was new."""
    alarm = Delivery(id=derived_id(subject, NOBODY), subject=subject, recipient=NOBODY, audience="security",
                     channel="sms", address="", state="failed", reason=f"nobody could be told: {why}", updated_at=now())
    return _add(session, alarm, box)


def tell_of_failure(session: Session, failed: Delivery) -> list[Delivery]:
    """Plan telling security of a failed delivery, by every channel but the one that failed, once per subject.

    Where security has no other channel its other addresses are used. [] when there is nobody, or when the failed
    delivery was itself such a message.
    """
    if failed.recipient in (UNDELIVERED, NOBODY):
        return []
    row = session.get_one(DeliveryRow, failed.id)
    contacts = site.get(session).security
    others = [c for c in contacts if c.channel != failed.channel] or \
             [c for c in contacts if c.address != failed.address]
    planned = [Delivery(id=derived_id(failed.subject, UNDELIVERED, c.channel, c.address), subject=failed.subject,
                        recipient=UNDELIVERED, audience="security", channel=c.channel, address=c.address,
                        updated_at=now()) for c in others]
    return [delivery for delivery in planned if _add(session, delivery, row.box)]


def failed_for(session: Session, subject: str) -> list[Delivery]:
    """The deliveries of a subject that failed, without those that only report failures."""
    return [d for d in deliveries.for_subject(session, subject) if d.state == "failed" and d.recipient != UNDELIVERED]


def problems(session: Session, limit: int = 50) -> list[Delivery]:
    """Deliveries that failed, newest first: what an administrator must see."""
    return deliveries.page(session, ("failed",), limit)


def counts(session: Session) -> dict[str, int]:
    """State -> how many deliveries."""
    rows = session.exec(select(DeliveryRow.state, func.count()).group_by(DeliveryRow.state))
    return dict(rows.all())


def _add(session: Session, delivery: Delivery, box: str | None) -> bool:
    new = insert_if_absent(session, DeliveryRow(**delivery.model_dump(), box=box, not_before=delivery.updated_at))
    if new and box is not None:
        publish_change(session, scope=box, kind="delivery", key=delivery.id)
    return new
