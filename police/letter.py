"""A delivery and the entry of the police channel that it is about, put into the words of an alert."""

from datetime import datetime

from sqlmodel import Session

from cloud.database.telling import alerts
from cloud.notify import text
from cloud.notify.letter import alert_of, failure
from contract.delivery import Delivery
from contract.ports import Alert
from police.database import entries


def letter(session: Session, delivery: Delivery, link: str, now: datetime) -> Alert:
    """Return what to say to whom. Times are given in UTC."""
    entry = entries.find(session, delivery.subject)
    if delivery.recipient == alerts.UNDELIVERED:
        about = "a record that is not here any more" if entry is None else \
            f"entry {entry.number} from {entry.campus} ({entry.severity})"
        failures = [failure(one, one.recipient) for one in alerts.failed_for(session, delivery.subject)]
        wording = text.undelivered_wording(failures, about, link)
    elif entry is not None:
        wording = text.entry_wording(entry, link, now)
    else:
        wording = text.police_wording(delivery.subject, None, link, now)
    return alert_of(delivery, wording)
