"""A delivery and the record it is about, put into the words of an alert."""

from datetime import UTC, datetime

from sqlmodel import Session

from cloud.database.ledger import audits
from cloud.database.telling import alerts, releases
from cloud.notify import text
from contract.delivery import Delivery, Notice
from contract.incident import Incident, LogRecord
from contract.moments import from_text
from contract.policy import is_police
from contract.ports import Alert


def letter(session: Session, delivery: Delivery, link: str, now: datetime) -> Alert:
    """Return what to say to whom. Times are given in UTC."""
    record = alerts.subject_of(session, delivery.subject)
    if delivery.recipient == alerts.UNDELIVERED:
        wording = text.undelivered_wording(_failures(session, delivery.subject), _about(session, delivery), link)
    elif (findings := audits.told_of(session, delivery.subject)) is not None:
        wording = text.audit_wording(findings.count, findings.lines, link)
    elif isinstance(record, Incident | LogRecord) and is_police(delivery.audience) and \
            not releases.released(session, (record.id,), delivery.audience):
        wording = text.withheld_wording(record, link, now)
    elif isinstance(record, Incident):
        names = alerts.names_of(session, tuple(p.person for p in record.people))
        wording = text.incident_wording(record, names.get, link, now)
    elif isinstance(record, Notice):
        wording = text.notice_wording(record, alerts.names_of(session, record.users).get, link, now)
    else:
        wording = text.police_wording(delivery.subject, record, link, now)
    return alert_of(delivery, wording)


def alert_of(delivery: Delivery, wording: text.Wording) -> Alert:
    """Return the wording, cut to what the delivery's channel takes."""
    limit = text.PUSH_LIMIT if delivery.channel == "push" else text.LIMIT
    return Alert(delivery.id, delivery.channel, delivery.address, wording.title, wording.text(limit))


def failure(delivery: Delivery, who: str) -> str:
    """Return one line: who was not told, by what, why."""
    return f"{who} ({delivery.audience}) by {delivery.channel}: {delivery.reason}"


def _failures(session: Session, subject: str) -> list[str]:
    failed = alerts.failed_for(session, subject)
    names = alerts.names_of(session, tuple(d.recipient for d in failed))
    return [failure(one, names.get(one.recipient, one.recipient)) for one in failed]


def _about(session: Session, delivery: Delivery) -> str:
    record = alerts.subject_of(session, delivery.subject)
    if audits.told_of(session, delivery.subject) is not None:
        return "what the ledger's audit found"
    if record is None:
        return "a record that is not here any more"
    what = f"Notice from {record.by}" if isinstance(record, Notice) else text.what_happened(record)
    when = from_text(record.at).astimezone(UTC)
    return f"{what}, {record.location}, {when:%Y-%m-%d %H:%M} UTC"
