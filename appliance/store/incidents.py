"""Incidents and what people do about them."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from appliance.store.build import build, rejection
from appliance.store.chain import Chain
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write
from appliance.store.cursor import read_cursor, write_cursor
from appliance.store.files import Files
from appliance.store.idempotency import remember, seen
from appliance.store.limits import RECORDS
from appliance.store.outbox import NORMAL, SOON, URGENT, Outbox
from contract.errors import Conflict, NotFound, Rejected
from contract.events import Event
from contract.ids import new_id
from contract.incident import Action, Incident, IncidentDraft, IncidentFilter, state_after
from contract.messages import ActionRecorded, IncidentRecorded
from contract.moments import Instant
from contract.policy import Urgency, urgency
from contract.views import IncidentView

PRIORITY: dict[Urgency, int] = {"first": URGENT, "soon": SOON, "in turn": NORMAL}
INSTANT: TypeAdapter[str] = TypeAdapter(Instant)
MAX_PAGE = 200


class Incidents:
    """`sequence` of an incident is that of its chain entry."""

    def __init__(self, connection: Connection, chain: Chain, outbox: Outbox, files: Files, box: str,
                 clock: Clock) -> None:
        self._connection, self._chain, self._outbox, self._files = connection, chain, outbox, files
        self._box, self._clock = box, clock

    def record(self, draft: IncidentDraft, *, by: str, key: str | None = None) -> tuple[IncidentView, bool]:
        """Write the incident, its chain entry and its outbox row, or none of them."""
        incident = build(Incident, id=new_id(int(self._clock() * 1000)), device=self._box, sequence=1,
                         **draft._asdict())
        content = incident.model_dump(mode="json", exclude={"id", "device", "sequence"})
        with self._connection.write(RECORDS) as write:
            known = seen(write, "incident", key, content)
            if known is None:
                incident = incident.model_copy(update={"sequence": self._chain.next_sequence(write)})
                self._record(write, incident, by)
                remember(write, "incident", key, content, incident.id, self._clock)
        return self.get(known or incident.id), known is None

    def _record(self, write: Write, incident: Incident, by: str) -> None:
        _enrolled(write, (part.person for part in incident.people))
        for evidence in incident.evidence:
            self._files.name(write, evidence)
        write.execute("INSERT INTO incidents VALUES (?,?,?,?,?,'open',?,?)",
                      (incident.id, incident.at, incident.kind, incident.severity, incident.camera, by,
                       incident.model_dump_json()))
        write.executemany("INSERT OR IGNORE INTO concerns VALUES (?,?)",
                          [(incident.id, part.person) for part in incident.people])
        sealed = self._chain.append(write, "incident", incident, instant(self._clock))
        body = IncidentRecorded(incident=incident, salt=sealed.salt, entry=sealed.entry)
        self._outbox.put(write, body, incident.id, PRIORITY[urgency(incident.severity)], lane=incident.id)
        self._outbox.people_first(write, incident.id)
        for evidence in incident.evidence:
            for row_id, stored in self._files.chunks(evidence):
                self._outbox.put_once(write, row_id, "evidence", evidence.sha256, stored)
        write.emit(Event("incident", incident.id))

    def get(self, incident_id: str) -> IncidentView:
        with self._connection.read() as db:
            return self._view(db, _content(db, incident_id))

    def page(self, wanted: IncidentFilter, cursor: str | None, limit: int) -> tuple[list[IncidentView], str | None]:
        """Return at most 200 incidents, newest first, and the next page's cursor."""
        limit = max(1, min(limit, MAX_PAGE))
        at, last_id = read_cursor(cursor) if cursor else (None, None)
        try:
            since, until = (None if text is None else INSTANT.validate_python(text)
                            for text in (wanted.since, wanted.until))
        except ValueError as error:
            raise rejection(error) from error
        values = {**wanted._asdict(), "since": since, "until": until, "at": at, "id": last_id, "limit": limit + 1}
        with self._connection.read() as db:
            rows = db.execute(
                "SELECT at, id, content FROM incidents WHERE (:at IS NULL OR (at, id) < (:at, :id)) "
                "AND (:state IS NULL OR state = :state) AND (:kind IS NULL OR kind = :kind) "
                "AND (:severity IS NULL OR severity = :severity) AND (:camera IS NULL OR camera = :camera) "
                "AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until) "
                "AND (:person IS NULL OR id IN (SELECT record FROM concerns WHERE person = :person)) "
                "ORDER BY at DESC, id DESC LIMIT :limit", values).fetchall()
            views = [self._view(db, content) for _, _, content in rows[:limit]]
        return views, write_cursor(*rows[limit - 1][:2]) if len(rows) > limit else None

    def act(self, incident_id: str, verb: str, *, by: str, note: str = "", assignee: str | None = None) -> IncidentView:
        """Add an action; it is a record of its own, in the chain and on its way to the cloud."""
        now = instant(self._clock)
        action = build(Action, id=new_id(int(self._clock() * 1000)), incident=incident_id, verb=verb, by=by, at=now,
                       note=note, assignee=assignee)
        if action.verb == "assign" and not action.assignee:
            raise Rejected("assign needs an assignee", hint="name the account that takes it")
        with self._connection.write(RECORDS) as write:
            incident = Incident.model_validate_json(_content(write, incident_id))
            state = write.execute("SELECT state FROM incidents WHERE id = ?", (incident_id,)).fetchone()[0]
            if state == "resolved" and action.verb != "note":
                raise Conflict(f"incident {incident_id} is resolved", hint="add a note, or open a new incident")
            self._insert(write, action)
            sealed = self._chain.append(write, "action", action, now)
            body = ActionRecorded(action=action, salt=sealed.salt, entry=sealed.entry)
            priority = max(SOON, PRIORITY[urgency(incident.severity)])
            self._outbox.put(write, body, incident_id, priority, lane=incident_id)
        return self.get(incident_id)

    def take(self, write: Write, action: Action) -> None:
        """Store an action from the cloud; ours coming back, and repeats, change nothing."""
        if write.execute("SELECT 1 FROM incidents WHERE id = ?", (action.incident,)).fetchone():
            self._insert(write, action)

    def _insert(self, write: Write, action: Action) -> None:
        write.execute("INSERT OR IGNORE INTO actions (id, incident, at, content) VALUES (?,?,?,?)",
                      (action.id, action.incident, action.at, action.model_dump_json()))
        write.execute("UPDATE incidents SET state = ? WHERE id = ?",
                      (state_after(_actions(write, action.incident)), action.incident))
        write.emit(Event("incident", action.incident))

    def _view(self, db: sqlite3.Connection, content: str) -> IncidentView:
        incident = Incident.model_validate_json(content)
        actions = _actions(db, incident.id)
        names = dict(db.execute(
            "SELECT profiles.id, name FROM profiles JOIN concerns ON person = profiles.id WHERE record = ?",
            (incident.id,)).fetchall()) if incident.people else {}
        return IncidentView(incident=incident, state=state_after(actions), actions=tuple(actions), names=names,
                            assignee=next((a.assignee for a in reversed(actions) if a.verb == "assign"), None),
                            ledger=self._chain.state(db, incident.id))


def _content(db: Any, incident_id: str) -> str:
    row = db.execute("SELECT content FROM incidents WHERE id = ?", (incident_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    return str(row[0])


def _actions(db: Any, incident_id: str) -> list[Action]:
    rows = db.execute("SELECT content FROM actions WHERE incident = ? ORDER BY at, number", (incident_id,)).fetchall()
    return [Action.model_validate_json(row[0]) for row in rows]


def _enrolled(write: Write, people: Iterable[str]) -> None:
    missing = [person for person in people
               if write.execute("SELECT 1 FROM profiles WHERE id = ?", (person,)).fetchone() is None]
    if missing:
        raise Rejected(f"people who are not enrolled: {', '.join(missing)}")
