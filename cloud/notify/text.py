"""What an alert says: who, where, what, when, how late, and the link. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from contract.delivery import Notice
from contract.incident import Incident, LogRecord
from contract.moments import from_text

LIMIT = 1600
"""Characters of one Twilio message."""
LATE_AFTER = 120.0
"""Seconds after which an alert says how late it is."""

WHAT = {"fall": "Fall", "intrusion": "Intrusion", "violence": "Violence", "tamper": "Tampering",
        "manual": "Incident"}


class Wording(NamedTuple):
    title: str
    text: str


def incident_wording(
    incident: Incident, name_of: Callable[[str], str | None], link: str, now: datetime, zone: tzinfo = UTC
) -> Wording:
    """For an incident's automatic rule. `name_of` gives None for an erased person, who is then not named."""
    people = [f"{name_of(p.person) or 'a person no longer enrolled'} ({p.part})" for p in incident.people]
    return _compose(
        f"{WHAT[incident.kind]} ({incident.severity})",
        people or ["nobody recognised"],
        incident.location,
        incident.description,
        incident.at,
        link,
        now,
        zone,
    )


def notice_wording(
    notice: Notice, name_of: Callable[[str], str | None], link: str, now: datetime, zone: tzinfo = UTC
) -> Wording:
    """For POST /notify."""
    people = [name_of(person) or "a person no longer enrolled" for person in notice.users]
    return _compose(f"Notice from {notice.by}", people, notice.location, notice.description, notice.at, link, now, zone)


def undelivered_wording(failures: Sequence[str], about: str, link: str) -> Wording:
    """To security, when somebody could not be told of `about`; each failure is one line."""
    head = f"Somebody could not be told of: {about}"
    return Wording("Somebody was not told", _fit(head, "\n".join(failures), "", link))


def police_wording(record_id: str, record: LogRecord | None, link: str, now: datetime, zone: tzinfo = UTC) -> Wording:
    """To the police contact, of an entry in the police log that is no incident; `record` is None for an action."""
    title = "New entry in the police log"
    if record is None:
        return Wording(title, _fit(f"{title}\nRecord: {record_id}", "", "", link))
    head = (f"{title}: {WHAT[record.kind]} ({record.severity})\nRecord: {record_id}\nWhere: {record.location}\n"
            f"When: {_when(record.at, zone)}")
    return Wording(title, _fit(head, record.description, _late(record.at, now), link))


def _compose(
    what: str, people: Sequence[str], place: str, description: str, at: str, link: str, now: datetime,
    zone: tzinfo,
) -> Wording:
    shown = list(people[:5]) + ([f"and {len(people) - 5} more"] if len(people) > 5 else [])
    head = f"{what}\nWho: {', '.join(shown)}\nWhere: {place}\nWhen: {_when(at, zone)}"
    title = f"{what}: {people[0]}, {place}"
    return Wording(_cut(title, 200), _fit(head, description, _late(at, now), link))


def _fit(head: str, description: str, late: str, link: str) -> str:
    """Head, description, lateness and link within LIMIT. The description gives way first, the link never."""
    end = "\n".join(part for part in (late, f"Answer: {link}") if part)
    if len(link) > LIMIT // 2:
        raise ValueError(f"a link of {len(link)} characters leaves no room for a message")
    head = _cut(head, LIMIT - len(end) - 1)
    room = LIMIT - len(head) - len(end) - 2
    middle = f"\n{_cut(description, room)}" if description and room > 1 else ""
    return f"{head}{middle}\n{end}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _when(at: str, zone: tzinfo) -> str:
    return from_text(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _late(at: str, now: datetime) -> str:
    seconds = (now - from_text(at)).total_seconds()
    if seconds < LATE_AFTER:
        return ""
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return f"LATE: this comes {' '.join(parts)} after it happened"
