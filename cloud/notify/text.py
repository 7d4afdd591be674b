"""The text of an alert: who, where, what, when, how late, and the link. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple, Protocol

from contract.delivery import Notice
from contract.incident import KINDS, Incident, LogRecord, Severity
from contract.moments import from_text

LIMIT = 1600
"""Characters of one Twilio message."""
PUSH_LIMIT = 450
"""Characters of a push notification, which has at most 4,096 bytes altogether, however they are spelled."""
TITLE_LIMIT = 120
LATE_AFTER = 120.0
"""Seconds after which an alert says how late it is."""


class ChannelEntry(Protocol):
    """A record of the police channel as it was seen: its number, when it came, from which site, how severe."""

    number: int
    seen_at: str
    campus: str
    severity: Severity


class Wording(NamedTuple):
    """The parts of an alert, in the order in which they are said."""

    title: str
    head: str
    description: str
    late: str
    link: str

    def text(self, limit: int = LIMIT) -> str:
        """Return the message in at most `limit` characters. The description gives way first, then the head, the link
        never.

        Raises ValueError for a link that takes more than half of the room.
        """
        if len(self.link) > limit // 2:
            raise ValueError(f"a link of {len(self.link)} characters leaves no room in a message of {limit}")
        end = "\n".join(part for part in (self.late, f"Answer: {self.link}") if part)
        head = _cut(self.head, limit - len(end) - 1)
        room = limit - len(head) - len(end) - 2
        middle = f"\n{_cut(self.description, room)}" if self.description and room > 1 else ""
        return f"{head}{middle}\n{end}"


def incident_wording(
    incident: Incident, name_of: Callable[[str], str | None], link: str, now: datetime, zone: tzinfo = UTC
) -> Wording:
    """Return the wording of an incident's automatic rule. `name_of` gives None for an erased person, who is then not
    named.
    """
    people = [f"{name_of(p.person) or 'a person no longer enrolled'} ({p.part})" for p in incident.people]
    return _wording(what_happened(incident), people or ["nobody recognised"], incident, link, now, zone)


def withheld_wording(record: Incident | LogRecord, link: str, now: datetime, zone: tzinfo = UTC) -> Wording:
    """Return what the police are told before the campus has released the record: nobody is named, and free text may
    name people too.
    """
    what = what_happened(record)
    head = (
        f"{what}\nWho and what: once the campus has released it\nRecord: {record.id}\n"
        f"Where: {record.location}\nWhen: {_when(record.at, zone)}"
    )
    return Wording(_cut(f"{what}, {record.location}", TITLE_LIMIT), head, "", _late(record.at, now), link)


def notice_wording(
    notice: Notice, name_of: Callable[[str], str | None], link: str, now: datetime, zone: tzinfo = UTC
) -> Wording:
    """Return the wording of POST /notify."""
    people = [name_of(person) or "a person no longer enrolled" for person in notice.users]
    return _wording(f"Notice from {notice.by}", people, notice, link, now, zone)


def undelivered_wording(failures: Sequence[str], about: str, link: str) -> Wording:
    """Return what security is told when somebody could not be told of `about`; each failure is one line."""
    return Wording(
        "Somebody was not told", f"Somebody could not be told of: {about}", "\n".join(failures), "", link
    )


def entry_wording(entry: ChannelEntry, link: str, now: datetime, zone: tzinfo = UTC) -> Wording:
    """Return what the police contact is told of an entry of the police channel: all that is on a ledger, and when it
    came.
    """
    title = f"New entry from {entry.campus} ({entry.severity})"
    head = f"{title}\nEntry: {entry.number}\nReceived: {_when(entry.seen_at, zone)}"
    return Wording(_cut(title, TITLE_LIMIT), head, "", _late(entry.seen_at, now), link)


def audit_wording(count: int, lines: Sequence[str], link: str) -> Wording:
    """Return what security is told when the ledger's audit found something; `lines` are the first of `count` findings.
    """
    head = f"The ledger's audit found {count} {'gap or difference' if count == 1 else 'gaps or differences'}"
    return Wording("The ledger's audit found something", head, "\n".join(lines), "", link)


def police_wording(
    record_id: str, record: LogRecord | None, link: str, now: datetime, zone: tzinfo = UTC
) -> Wording:
    """Return what the police contact is told of an entry in the police log that is no incident; `record` is None for
    one that is not here.
    """
    title = "New entry in the police log"
    if record is None:
        return Wording(title, f"{title}\nRecord: {record_id}", "", "", link)
    head = (
        f"{title}: {what_happened(record)}\nRecord: {record_id}\n"
        f"Where: {record.location}\nWhen: {_when(record.at, zone)}"
    )
    return Wording(title, head, record.description, _late(record.at, now), link)


def what_happened(record: Incident | LogRecord) -> str:
    """Return the name of the record's kind, and its severity."""
    return f"{KINDS[record.kind].label} ({record.severity})"


def _wording(
    what: str, people: Sequence[str], record: Incident | Notice, link: str, now: datetime, zone: tzinfo
) -> Wording:
    shown = list(people[:5]) + ([f"and {len(people) - 5} more"] if len(people) > 5 else [])
    when = _when(record.at, zone)
    head = f"{what}\nWho: {', '.join(shown)}\nWhere: {record.location}\nWhen: {when}"
    title = _cut(f"{what}: {people[0]}, {record.location}", TITLE_LIMIT)
    return Wording(title, head, record.description, _late(record.at, now), link)


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
