import pytest

from cloud.database import boxes, meta, site, trail
from cloud.database.down import feed
from cloud.database.ledger import jobs, standing
from cloud.database.records import records
from cloud.database.tables.site import TrailRow
from contract.delivery import SiteContacts
from contract.errors import Conflict, NotFound, Rejected
from contract.ids import new_id
from contract.incident import IncidentFilter
from contract.ledger import LedgerRecord
from contract.profile import Contact
from tests.support.cloud_box import SimulatedBox


def add(session, message):
    body = message.body
    records.add_entry(session, message.box, body.entry, body.salt)
    entry = body.entry.entry
    jobs.add(session, LedgerRecord(id=entry.record_id, commitment=entry.hash(), severity="low"), ("general",),
             message.box, at_once=False)
    records.add_incident(session, body.incident)
    return body.incident


@pytest.fixture
def incidents(database):
    """Seven, a minute apart, two at the same moment; oldest first."""
    box = SimulatedBox().register(database)
    with database.write() as session:
        return [add(session, box.incident(("low", "critical")[n % 2], at=f"2026-01-01T00:0{min(n, 5)}:00Z",
                                          camera=f"cam-{n % 3}")) for n in range(7)]


def listed(database, limit=3, **fields):
    with database.read() as session:
        found, cursor = [], None
        while True:
            page, cursor = records.page(session, IncidentFilter(**fields), cursor, limit)
            assert len(page) <= limit
            found += [view.incident for view in page]
            if cursor is None:
                return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_are_newest_first_without_gap_or_repeat(database, incidents, limit):
    assert listed(database, limit) == sorted(incidents, key=lambda i: (i.at, i.id), reverse=True)


def test_filters(database, incidents):
    with database.write() as session:
        records.act(session, incidents[0].id, "acknowledge", by="Guard")
        records.act(session, incidents[1].id, "resolve", by="Guard")
    assert listed(database, state="acknowledged") == [incidents[0]]
    assert listed(database, state="resolved") == [incidents[1]]
    assert len(listed(database, state="open")) == 5
    assert len(listed(database, severity="critical")) == 3
    assert len(listed(database, camera="cam-0")) == 3
    assert listed(database, kind="violence") == listed(database, person=new_id()) == []
    assert listed(database, since="2026-01-01T00:01:00.000Z", until="2026-01-01T00:02:00.000Z") == [incidents[1]]


@pytest.mark.parametrize("cursor", ["", "x", "2026-01-01T00:00:00.000Z_", "'; DROP TABLE incidents"])
def test_a_foreign_cursor_is_refused(database, cursor):
    with pytest.raises(Rejected, match="cursor"), database.read() as session:
        records.page(session, IncidentFilter(), cursor, 3)


def test_what_the_cloud_does_about_an_incident_goes_down_to_its_box(database, incidents):
    with database.write() as session:
        view = records.act(session, incidents[2].id, "assign", by="Chief", assignee="Guard 2")
    assert (view.state, view.assignee) == ("acknowledged", "Guard 2")
    with database.write() as session:
        records.act(session, incidents[2].id, "resolve", by="Chief")
    with pytest.raises(Conflict, match="resolved"), database.write() as session:
        records.act(session, incidents[2].id, "acknowledge", by="Chief")
    with database.write() as session:
        records.act(session, incidents[2].id, "note", by="Chief", note="done")
    with database.read() as session:
        down = feed.changes_for(session, "gate-1", 0, 9).changes
        assert [c.body.action.verb for c in down] == ["assign", "resolve", "note"]
        assert feed.changes_for(session, "gate-2", 0, 9).changes == ()


def test_what_is_not_there_is_not_found(database):
    for ask in (records.incident_view, records.log_view, records.notice, records.ledger_state,
                standing.standing):
        with pytest.raises(NotFound), database.read() as session:
            ask(session, new_id())


def test_the_audit_log_shows_every_kind_of_change(database):
    with database.write() as session:
        for number in range(4):
            trail.record(session, "admin", "test", str(number), detail=number)
    with database.read() as session:
        assert trail.check(session) == 4
        assert [row.subject for row in trail.page(session, None, 2)] == ["3", "2"]
        assert [row.subject for row in trail.page(session, 3, 9)] == ["1", "0"]
    for change in (lambda row, s: setattr(row, "by", "nobody"), lambda row, s: s.delete(row)):
        with pytest.raises(Rejected, match="changed"), database.write() as session:
            change(session.get(TrailRow, 2), session)
            session.flush()
            trail.check(session)


def test_contacts_of_the_file_count_until_they_are_edited(database):
    one, two = (SiteContacts(security=(Contact(channel="email", address=f"{n}@example.org"),)) for n in "ab")
    for configured, edited, expected in ((one, None, one), (one, two, two), (one, None, two), (two, None, two),
                                         (one, None, one)):
        with database.write() as session:
            site.configure(session, configured)
            if edited:
                site.put(session, edited, "admin")
        with database.read() as session:
            assert site.get(session) == expected


def test_a_box_name_is_taken_once_and_revoking_is_final(database):
    SimulatedBox().register(database)
    with pytest.raises(Conflict):
        SimulatedBox().register(database)
    with database.write() as session:
        boxes.revoke(session, "gate-1", "admin")
        assert boxes.active(session, "gate-1") is None
        with pytest.raises(NotFound):
            boxes.revoke(session, "gate-9", "admin")


def test_a_restored_cloud_has_a_new_epoch(database):
    with database.write() as session:
        before = meta.epoch(session)
        assert meta.new_epoch(session) != before
