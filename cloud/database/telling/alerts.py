"""The subjects of alerts, and the alarms raised when somebody could not be told."""

import time

from sqlalchemy import func
from sqlmodel import Session, col, select

from cloud.database import site
from cloud.database.changes import publish_change
from cloud.database.engine import insert_if_absent
from cloud.database.tables.people import ProfileRow
from cloud.database.tables.records import ActionRow, IncidentRow, LogRow
from cloud.database.tables.telling import DeliveryRow, NoticeRow
from cloud.database.telling import deliveries
from contract.delivery import Delivery, Notice
from contract.ids import derived_id, new_id
from contract.incident import Incident, LogRecord
from contract.moments import now
from contract.policy import telling_severities

LOOK_BACK_S = 30 * 24 * 3600.0
"""A box may have been without a network for as long as this and its incidents are still looked after."""
NOBODY = "nobody"
"""Recipient of the row that says that nobody could be told."""
UNDELIVERED = "security, of an undelivered alert"
"""Recipient of the one alert per subject and address that tells security of failed ones."""

AUDIT = "security, of the ledger's audit"
"""Recipient of the alert that tells security of the findings of the ledger's audit."""

_SUBJECTS: tuple[tuple[type[IncidentRow] | type[NoticeRow] | type[LogRow],
                       type[Incident] | type[Notice] | type[LogRecord]], ...] = (
    (IncidentRow, Incident), (NoticeRow, Notice), (LogRow, LogRecord))


def subject_of(session: Session, subject: str) -> Incident | Notice | LogRecord | None:
    """Return the record that deliveries with this subject are about, None when it is not here."""
    for table, model in _SUBJECTS:
        content = session.exec(select(table.content).where(table.id == subject)).first()
        if content is not None:
            return model.model_validate_json(content)
    return None


def names_of(session: Session, people: tuple[str, ...]) -> dict[str, str]:
    """Return person id -> name, of those enrolled."""
    rows = session.exec(select(ProfileRow.id, ProfileRow.name).where(col(ProfileRow.id).in_(people)))
    return dict(rows.all())


def untold(session: Session, limit: int = 100) -> list[Incident]:
    """Incidents of the last LOOK_BACK that should tell people of the site and have not a single delivery row: nobody
    could be told, and nobody said so yet."""
    told = select(DeliveryRow.id).where(DeliveryRow.subject == IncidentRow.id).exists()
    # Ids begin with the time they were made, so this looks at one end of the primary key, not at years of incidents.
    oldest = new_id(int((time.time() - LOOK_BACK_S) * 1000))
    rows = session.exec(select(IncidentRow.content)
                        .where(IncidentRow.id >= oldest, col(IncidentRow.severity).in_(telling_severities()), ~told)
                        .limit(limit))
    return [Incident.model_validate_json(content) for content in rows]


def nobody_could_be_told(session: Session, subject: str, box: str | None, why: str) -> bool:
    """Put it on record as a failed delivery to security, which pages and the API show. Whether that was new."""
    alarm = Delivery(id=derived_id(subject, NOBODY), subject=subject, recipient=NOBODY, audience="security",
                     channel="sms", address="", state="failed", reason=f"nobody could be told: {why}", updated_at=now())
    return _add(session, alarm, box)


def tell_of_audit(session: Session, subject: str, count: int) -> None:
    """Plan telling security, by every address, of an audit's findings; where there is none, put that on record."""
    planned = [Delivery(id=derived_id(subject, AUDIT, c.channel, c.address), subject=subject, recipient=AUDIT,
                        audience="security", channel=c.channel, address=c.address, updated_at=now())
               for c in site.get(session).security]
    for delivery in planned:
        _add(session, delivery, None)
    if not planned:
        nobody_could_be_told(session, subject, None, f"the ledger's audit found {count} gaps or differences, and the "
                                                     "site has no security contacts; add them under Contacts")


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
    """Return the deliveries of a subject that failed, without those that only report failures."""
    return [d for d in deliveries.for_subject(session, subject) if d.state == "failed" and d.recipient != UNDELIVERED]


def problems(session: Session, limit: int = 50) -> list[Delivery]:
    """Return deliveries that failed, newest first: what somebody must see until the incident is resolved."""
    resolved = select(ActionRow.id).where(ActionRow.incident == DeliveryRow.subject, ActionRow.verb == "resolve")
    rows = session.exec(select(DeliveryRow).where(DeliveryRow.state == "failed", ~resolved.exists())
                        .order_by(col(DeliveryRow.updated_at).desc(), col(DeliveryRow.id)).limit(limit))
    return [Delivery(**row.model_dump(include=set(Delivery.model_fields))) for row in rows]


def counts(session: Session) -> dict[str, int]:
    """Return state -> how many deliveries."""
    rows = session.exec(select(DeliveryRow.state, func.count()).group_by(DeliveryRow.state))
    return dict(rows.all())


def _add(session: Session, delivery: Delivery, box: str | None) -> bool:
    new = insert_if_absent(session, DeliveryRow(**delivery.model_dump(), box=box, not_before=delivery.updated_at))
    if new and box is not None:
        publish_change(session, scope=box, kind="delivery", key=delivery.id)
    return new
