"""The records of boxes: incidents, actions, logs and notices, each with its entry of the box's chain."""

import re
from typing import Literal

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import Session, col, select

from cloud.database.changes import publish_change
from cloud.database.engine import insert_if_absent
from cloud.database.ledger import standing
from cloud.database.people import profiles
from cloud.database.tables.records import ActionRow, EntryRow, IncidentPersonRow, IncidentRow, LogRow
from cloud.database.tables.telling import NoticeRow
from contract.chain import SignedEntry
from contract.delivery import Notice
from contract.errors import Conflict, NotFound, Rejected
from contract.ids import new_id
from contract.incident import Action, Incident, IncidentFilter, LogRecord, state_after
from contract.moments import now
from contract.views import IncidentView, LedgerState, LogView

CURSOR = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_([0-9a-f-]{36})$")


def add_entry(session: Session, box: str, signed: SignedEntry, salt: str) -> None:
    """Keep a chain entry. Raises Conflict when the record has another one, or the box's chain forked here."""
    entry = signed.entry
    row = EntryRow(
        record_id=entry.record_id,
        box=box,
        sequence=entry.sequence,
        record_type=entry.record_type,
        hash=entry.hash(),
        salt=salt,
        content=signed.model_dump_json(),
        received_at=now(),
    )
    if insert_if_absent(session, row):
        return
    known = session.get(EntryRow, entry.record_id)
    if known is None:
        raise Conflict(
            f"box {box} has two entries with number {entry.sequence} in its chain",
            hint="its chain forked: was the box cloned, or restored from an old copy?",
        )
    if (known.box, known.hash) != (box, row.hash):
        raise Conflict(f"record {entry.record_id} is there already, by another entry")


def add_incident(session: Session, incident: Incident) -> None:
    """Store an incident. Raises Conflict when the id is another incident's."""
    content = incident.model_dump_json()
    row = IncidentRow(
        id=incident.id,
        box=incident.device,
        at=incident.at,
        kind=incident.kind,
        severity=incident.severity,
        camera=incident.camera,
        location=incident.location,
        content=content,
        received_at=now(),
    )
    if not insert_if_absent(session, row) and session.get_one(IncidentRow, incident.id).content != content:
        raise Conflict(f"incident {incident.id} is there already, with other content")
    for person in {involved.person for involved in incident.people}:
        insert_if_absent(session, IncidentPersonRow(incident=incident.id, person=person))


def add_action(session: Session, action: Action, box: str | None) -> None:
    """Store an action. Raises Conflict when the id is another action's. Its incident may come later."""
    row = ActionRow(
        id=action.id,
        incident=action.incident,
        box=box,
        at=action.at,
        verb=action.verb,
        content=action.model_dump_json(),
    )
    if not insert_if_absent(session, row) and session.get_one(ActionRow, action.id).content != row.content:
        raise Conflict(f"action {action.id} is there already, with other content")


def add_log(session: Session, log: LogRecord) -> None:
    """Store a log record. Raises Conflict when the id is another record's."""
    row = LogRow(id=log.id, box=log.device, at=log.at, severity=log.severity, content=log.model_dump_json())
    if not insert_if_absent(session, row) and session.get_one(LogRow, log.id).content != row.content:
        raise Conflict(f"log record {log.id} is there already, with other content")


def add_notice(session: Session, notice: Notice, box: str | None) -> None:
    """Store a notice. Raises Conflict when the id is another notice's."""
    row = NoticeRow(id=notice.id, box=box, at=notice.at, content=notice.model_dump_json())
    if not insert_if_absent(session, row) and session.get_one(NoticeRow, notice.id).content != row.content:
        raise Conflict(f"notice {notice.id} is there already, with other content")


def act(
    session: Session,
    incident_id: str,
    verb: Literal["acknowledge", "assign", "resolve", "note"],
    *,
    by: str,
    note: str = "",
    assignee: str | None = None,
) -> IncidentView:
    """Store what somebody in the cloud does about an incident; its box is told. Raises NotFound; Conflict
    when it is resolved and the verb is not `note`."""
    row = session.exec(
        select(IncidentRow).where(IncidentRow.id == incident_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    if verb != "note" and state_after(actions_of(session, incident_id)) == "resolved":
        raise Conflict(f"incident {incident_id} is resolved", hint="only notes can be added")
    action = Action(
        id=new_id(), incident=incident_id, verb=verb, by=by, at=now(), assignee=assignee, note=note
    )
    add_action(session, action, None)
    publish_change(session, scope=row.box, kind="action", key=action.id)
    return incident_view(session, incident_id)


def actions_of(session: Session, incident_id: str) -> list[Action]:
    """Return the actions of an incident in order of time."""
    rows = session.exec(
        select(ActionRow.content)
        .where(ActionRow.incident == incident_id)
        .order_by(col(ActionRow.at), col(ActionRow.id))
    )
    return [Action.model_validate_json(content) for content in rows]


def incident_view(session: Session, incident_id: str) -> IncidentView:
    """Return an incident with all that has become of it. Raises NotFound."""
    row = session.get(IncidentRow, incident_id)
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    incident = Incident.model_validate_json(row.content)
    actions = actions_of(session, incident_id)
    known = ((p.person, profiles.find(session, p.person)) for p in incident.people)
    assignees = [action.assignee for action in actions if action.verb == "assign"]
    return IncidentView(
        incident=incident,
        state=state_after(actions),
        assignee=assignees[-1] if assignees else None,
        actions=tuple(actions),
        names={key: found.name for key, found in known if found},
        ledger=ledger_state(session, incident_id),
    )


def log_view(session: Session, log_id: str) -> LogView:
    """Return a log record with all that has become of it. Raises NotFound."""
    row = session.get(LogRow, log_id)
    if row is None:
        raise NotFound(f"there is no log record {log_id}")
    return LogView(log=LogRecord.model_validate_json(row.content), ledger=ledger_state(session, log_id))


def notice(session: Session, notice_id: str) -> Notice:
    """Return a notice. Raises NotFound."""
    row = session.get(NoticeRow, notice_id)
    if row is None:
        raise NotFound(f"there is no notice {notice_id}")
    return Notice.model_validate_json(row.content)


def ledger_state(session: Session, record_id: str) -> LedgerState:
    """Return where a record of a box stands, all channels. Raises NotFound."""
    row = session.get(EntryRow, record_id)
    if row is None:
        raise NotFound(f"there is no record {record_id}")
    status, reason = standing.standing(session, record_id)
    anchors = tuple(anchor for anchor, _ in standing.where_anchored(session, record_id))
    return LedgerState(
        status=status,
        entry=SignedEntry.model_validate_json(row.content),
        entry_hash=row.hash,
        committed_at=row.received_at,
        anchors=anchors,
        reason=reason,
    )


def page(
    session: Session, wanted: IncidentFilter, cursor: str | None, limit: int, box: str | None = None
) -> tuple[list[IncidentView], str | None]:
    """Return incidents, newest first, and the cursor of the next page. Raises Rejected for a cursor that is not
    ours."""
    query = select(IncidentRow.id, IncidentRow.at)
    for column, value in (
        (IncidentRow.kind, wanted.kind),
        (IncidentRow.severity, wanted.severity),
        (IncidentRow.camera, wanted.camera),
        (IncidentRow.box, box),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(IncidentRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(IncidentRow.at < wanted.until)
    if wanted.person is not None:
        query = query.where(
            exists().where(
                col(IncidentPersonRow.incident) == col(IncidentRow.id),
                col(IncidentPersonRow.person) == wanted.person,
            )
        )
    if wanted.state is not None:
        resolved, seen = _has_action("resolve"), _has_action("acknowledge", "assign")
        query = query.where(
            {"resolved": resolved, "acknowledged": and_(seen, ~resolved), "open": and_(~seen, ~resolved)}[
                wanted.state
            ]
        )
    if cursor is not None:
        place = CURSOR.match(cursor)
        if place is None:
            raise Rejected("the cursor is not one of ours", hint="use `next` of the page before, unchanged")
        query = query.where(
            or_(col(IncidentRow.at) < place[1], and_(col(IncidentRow.at) == place[1], col(IncidentRow.id) < place[2]))
        )
    query = query.order_by(col(IncidentRow.at).desc(), col(IncidentRow.id).desc()).limit(limit + 1)
    rows = session.exec(query).all()
    views = [incident_view(session, row[0]) for row in rows[:limit]]
    return views, cursor_after(views[-1]) if len(rows) > limit else None


def cursor_after(view: IncidentView) -> str:
    """Return the cursor of the page that begins behind this incident."""
    return f"{view.incident.at}_{view.incident.id}"


def _has_action(*verbs: str) -> ColumnElement[bool]:
    return exists().where(col(ActionRow.incident) == col(IncidentRow.id), col(ActionRow.verb).in_(verbs))
