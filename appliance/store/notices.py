"""Requests to tell people, and how each telling stands."""

import sqlite3
from typing import Any

from appliance.store.build import build
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection
from appliance.store.idempotency import remember, seen
from appliance.store.limits import RECORDS
from appliance.store.outbox import SOON, Outbox
from appliance.store.profiles import load
from appliance.store.site import site_contacts, site_policy
from contract.delivery import Delivery, Notice, plan_deliveries, victims
from contract.errors import NotFound, Rejected
from contract.events import Event
from contract.ids import new_id
from contract.incident import Incident
from contract.messages import NoticeMade
from contract.policy import Audience, decide_on, is_police
from contract.views import NoticeView

OFFLINE = "the cloud, which does the telling, has not received it yet"


class Notices:
    """The cloud tells; the box says what it asked for, whom that concerns and what the cloud reported."""

    def __init__(self, connection: Connection, outbox: Outbox, box: str, clock: Clock) -> None:
        self._connection, self._outbox, self._box, self._clock = connection, outbox, box, clock

    def create(self, *, users: tuple[str, ...], audience: tuple[Audience, ...], description: str, location: str,
               by: str, key: str | None = None) -> tuple[NoticeView, bool]:
        """Write a notice and plan its tellings. Raises Rejected when a user does not exist, or nobody could be told
        (and says who lacks what).
        """
        now = instant(self._clock)
        notice = build(Notice, id=new_id(int(self._clock() * 1000)), device=self._box, users=users, audience=audience,
                       description=description, location=location, at=now, by=by)
        content = notice.model_dump(mode="json", exclude={"id", "at"})
        with self._connection.write(RECORDS) as write:
            known = seen(write, "notice", key, content)
            if known is None:
                _somebody(write, notice)
                write.execute("INSERT INTO notices VALUES (?,?)", (notice.id, notice.model_dump_json()))
                write.executemany("INSERT OR IGNORE INTO concerns VALUES (?,?)", [(notice.id, u) for u in notice.users])
                self._outbox.put(write, NoticeMade(notice=notice), notice.id, SOON)
                self._outbox.people_first(write, notice.id)
                remember(write, "notice", key, content, notice.id, self._clock)
                write.emit(Event("delivery", notice.id))
        return self.get(known or notice.id), known is None

    def get(self, subject_id: str) -> NoticeView:
        """Return a telling; until the cloud has reported, its deliveries are what the plan says now."""
        with self._connection.read() as db:
            notice = _stored(db, "SELECT content FROM notices WHERE id = ?", subject_id)
            incident = _stored(db, "SELECT content FROM incidents WHERE id = ?", subject_id)
            nobody = ""
            if notice is not None:
                request = Notice.model_validate_json(notice)
                plan = _plan(db, subject_id, request.users, request.audience, request.at)
            elif incident is not None:
                request = None
                happened = Incident.model_validate_json(incident)
                audience = decide_on(happened, site_policy(db)).audience
                if not audience:
                    nobody = f"nothing: an incident of severity {happened.severity} tells nobody by itself"
                plan = _plan(db, subject_id, victims(happened), audience, happened.at)
            else:
                raise NotFound(f"there is no notice or incident {subject_id}")
            rows = db.execute("SELECT content FROM deliveries WHERE subject = ? ORDER BY id", (subject_id,)).fetchall()
            reported = [Delivery.model_validate_json(row[0]) for row in rows]
            waiting_for = "" if reported else _obstacle(db, subject_id, bool(plan), nobody)
        return NoticeView(id=subject_id, notice=request, deliveries=tuple(reported or plan), waiting_for=waiting_for)


def _stored(db: sqlite3.Connection, select: str, record_id: str) -> str | None:
    row = db.execute(select, (record_id,)).fetchone()
    return str(row[0]) if row else None


def _plan(db: Any, subject: str, users: tuple[str, ...], audience: tuple[Audience, ...], at: str) -> list[Delivery]:
    return plan_deliveries(subject, users, audience, site_contacts(db), lambda person: load(db, person), at)


def _obstacle(db: sqlite3.Connection, subject: str, planned: bool, nobody: str) -> str:
    """Return why the cloud has not reported any telling. `nobody`: why nobody is to be told."""
    row = db.execute("SELECT state, reason FROM outbox WHERE subject = ? AND kind IN ('notice', 'incident')",
                     (subject,)).fetchone()
    if row is not None and row[0] == "parked":
        return str(row[1])
    if row is not None and row[0] in ("waiting", "sent"):
        return OFFLINE
    if planned:
        return "the cloud has it and has not reported yet"
    return nobody or "nobody can be told: no contacts are known for this"


def _somebody(write: Any, notice: Notice) -> None:
    """Raise Rejected when a user or an audience is unknown or the plan is empty."""
    site_policy(write).check_audience(notice.audience)
    people = {user: load(write, user) for user in notice.users}
    unknown = [user for user, profile in people.items() if profile is None]
    if unknown:
        raise Rejected(f"people who are not enrolled: {', '.join(unknown)}")
    if _plan(write, notice.id, notice.users, notice.audience, notice.at):
        return
    site = site_contacts(write)
    lacks = []
    for profile in filter(None, people.values()):
        if "users" in notice.audience:
            lacks.append(f"{profile.name} has no contacts")
        if "friends" in notice.audience:
            lacks.append(f"{profile.name} has no friends with contacts" if profile.friends
                         else f"{profile.name} has no friends")
    if "security" in notice.audience and not site.security:
        lacks.append("no contact of security is set in the cloud")
    lacks += [f"no contact of {group} is set in the cloud" for group in notice.audience
              if is_police(group) and not site.of(group)]
    raise Rejected(f"nobody could be told: {'; '.join(lacks)}", hint="add friends or contacts first")
