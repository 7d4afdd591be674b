import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from cloud.database import changes, site
from cloud.database.down import feed
from cloud.database.people.profiles import ProfileTable
from cloud.database.tables.site import ChangeRow
from contract.delivery import SiteContacts
from contract.messages import MAX_MESSAGE, encode
from contract.observation import vector_to_text
from contract.profile import Consent, Contact, Template
from tests.support.cloud_box import person


def read(database, box="gate-1", after=0, limit=50):
    with database.read() as session:
        return feed.changes_for(session, box, after, limit)


def read_all(database, box="gate-1", limit=3):
    """As a box does it: from cursor to cursor, with what each batch holds."""
    cursor, bodies = 0, []
    while True:
        batch = read(database, box, cursor, limit)
        assert batch.after == cursor
        assert all(cursor < change.revision <= batch.through for change in batch.changes)
        assert [c.revision for c in batch.changes] == sorted({c.revision for c in batch.changes})
        bodies += [change.body for change in batch.changes]
        cursor = batch.through
        if cursor >= batch.latest:
            return bodies


def test_a_profile_its_change_and_its_tombstone_come_down(database):
    people = ProfileTable(database)
    ada, bob = person("Ada"), person("Bob")
    people.create(ada, "admin")
    people.create(bob, "admin")
    assert [body.profile.name for body in read_all(database)] == ["Ada", "Bob"]
    people.erase(ada.id, "admin")
    assert [body.type for body in read_all(database)] == ["profile", "tombstone"]


def test_a_box_sees_its_own_and_common_changes_only(database):
    with database.write() as session:
        site.put(
            session, SiteContacts(security=(Contact(channel="email", address="s@example.org"),)), "admin"
        )
        changes.publish_change(session, scope="other", kind="profile", key="x")
    assert [body.type for body in read_all(database)] == ["site"]
    with database.read() as session:
        assert (changes.latest_for(session, "gate-1"), changes.latest_for(session, "other")) == (1, 2)


def test_nothing_new_is_an_empty_batch(database):
    ProfileTable(database).create(person(), "admin")
    batch = read(database, after=1)
    assert (batch.changes, batch.through, batch.latest) == ((), 1, 1)
    ahead = read(database, after=99)
    assert (ahead.changes, ahead.through, ahead.latest) == ((), 99, 1)


def test_a_batch_stays_under_the_message_limit_and_nothing_is_lost(database):
    people = ProfileTable(database)
    consent = Consent(given_by="Ada", text_sha256="0" * 64, at="2026-01-01T00:00:00Z")
    vector = vector_to_text([0.1] * 1024)
    for _ in range(12):
        one = person("Ä" * 200, consent=consent)
        templates = tuple(
            Template(
                id=person().id, pack="open-1", vector=vector, quality=0.5, made_at="2026-01-01T00:00:00Z"
            )
            for _ in range(20)
        )
        people.create(one.model_copy(update={"templates": templates}), "admin")
    batch = read(database, limit=200)
    assert 0 < len(batch.changes) < 12
    assert len(encode(batch)) <= MAX_MESSAGE
    assert len(read_all(database, limit=200)) == 12


def test_revisions_have_no_gap_with_eight_writers_at_once(database):
    seen, stop = [], threading.Event()

    def write(writer):
        for number in range(12):
            with database.write() as session:
                changes.publish_change(session, scope=None, kind="profile", key=f"{writer}-{number}")
                if number % 4 == 3:
                    session.rollback()

    def watch():
        # A reader that moves its cursor must never find a smaller number later.
        cursor = 0
        while not stop.is_set():
            with database.read() as session:
                newest = changes.revision(session)
                rows = session.exec(
                    select(ChangeRow.revision)
                    .where(ChangeRow.revision > cursor, ChangeRow.revision <= newest)
                    .order_by(col(ChangeRow.revision))
                ).all()
            seen.extend(rows)
            cursor = newest

    reader = threading.Thread(target=watch)
    writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    with database.read() as session:
        numbers = session.exec(select(ChangeRow.revision).order_by(col(ChangeRow.revision))).all()
    assert numbers == list(range(1, 8 * 9 + 1))
    assert seen == numbers[: len(seen)]


@given(steps=st.lists(st.tuples(st.sampled_from(["name", "erase"]), st.integers(0, 3)), max_size=12))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_box_that_reads_at_any_time_ends_with_what_the_cloud_holds(database, steps):
    people = ProfileTable(database)
    ids = [people.create(person(f"P{n}"), "admin").id for n in range(4)]
    held, cursor = {}, 0
    for verb, which in [*steps, ("read", 0)]:
        if verb == "erase":
            people.erase(ids[which], "admin")
        elif people.find(ids[which]) is not None:
            from contract.profile import ProfileChange

            people.change(ids[which], ProfileChange(name=f"N{cursor}"), "admin")
        while cursor < (batch := read(database, after=cursor, limit=2)).latest:
            for change in batch.changes:
                if change.body.type == "tombstone":
                    held.pop(change.body.profile_id, None)
                else:
                    held[change.body.profile.id] = change.body.profile
            cursor = batch.through
    assert {i: p for i, p in held.items() if i in ids} == {i: p for i in ids if (p := people.find(i))}


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_every_limit_gives_the_same(database, limit):
    people = ProfileTable(database)
    names = [people.create(person(f"P{n}"), "admin").name for n in range(5)]
    assert [body.profile.name for body in read_all(database, limit=limit)] == names
