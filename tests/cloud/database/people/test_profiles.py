from itertools import permutations

import pytest
from sqlmodel import select

from cloud.database import trail
from cloud.database.down import feed
from cloud.database.people import erasures, profiles
from cloud.database.people.profiles import MAX_BYTES, ProfileTable
from cloud.database.telling import deliveries
from contract.delivery import Notice
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.ids import new_id
from contract.messages import ProfileChanged, ProfileCreated
from contract.moments import now
from contract.observation import vector_to_text
from contract.profile import Consent, ProfileChange, Template
from tests.support.cloud_box import SimulatedBox, person
from tests.support.schema import campus_tables


@pytest.fixture
def people(database):
    return ProfileTable(database)


def test_created_changed_and_read_back(people):
    ada = people.create(person("Ada"), "admin")
    assert people.get(ada.id) == ada
    changed = people.change(ada.id, ProfileChange(name="Ada L."), "admin", revision=1)
    assert (changed.name, changed.revision) == ("Ada L.", 2)
    assert people.page("", 10) == [changed]


def test_the_repository_refuses_what_the_port_says(people):
    ada = people.create(person(), "admin")
    with pytest.raises(Conflict):
        people.create(ada, "admin")
    with pytest.raises(Conflict, match="revision 1, not 7"):
        people.change(ada.id, ProfileChange(name="x"), "admin", revision=7)
    with pytest.raises(Rejected, match="no such person"):
        people.change(ada.id, ProfileChange(add_friends=(new_id(),)), "admin")
    with pytest.raises(Rejected, match="no such person"):
        people.create(person(friends=(new_id(),)), "admin")
    with pytest.raises(Rejected, match="own friend"):
        people.change(ada.id, ProfileChange(add_friends=(ada.id,)), "admin")
    with pytest.raises(NotFound):
        people.get(new_id())
    with pytest.raises(NotFound):
        people.erase(new_id(), "admin")
    assert people.get(ada.id) == ada


def test_a_profile_too_large_for_a_message_is_refused(people):
    consent = Consent(given_by="Ada", text_sha256="0" * 64, at="2026-01-01T00:00:00Z")
    templates = tuple(
        Template(id=new_id(), pack="open-1", vector=vector_to_text([1.0] * 1500), quality=1, made_at=now())
        for _ in range(50)
    )
    ada = people.create(person(consent=consent, templates=templates[:20]), "admin")
    for part in (templates[20:40], templates[40:]):
        ada = people.change(ada.id, ProfileChange(add_templates=part), "admin")
    assert len(ada.model_dump_json()) < MAX_BYTES
    longest = vector_to_text([1.0] * 1536)
    many = tuple(
        Template(id=new_id(), pack="p" * 64, vector=longest, quality=1, made_at=now()) for _ in range(20)
    )
    with pytest.raises(Rejected, match=r"50|bytes"):
        people.change(ada.id, ProfileChange(add_templates=many), "admin")


def test_erasing_takes_friendships_and_addresses_and_leaves_a_tombstone(database, people):
    for name in ("gate-1", "gate-2"):
        SimulatedBox(name).register(database)
    SimulatedBox("old").register(database, "revoked")
    ada = people.create(person("Ada", 1), "admin")
    bob = people.create(person("Bob", friends=(ada.id,)), "admin")
    notice = Notice(
        id=new_id(),
        device="gate-1",
        users=(bob.id,),
        audience=("friends",),
        description="x",
        location="y",
        at=now(),
        by="Guard",
    )
    with database.write() as session:
        assert len(deliveries.plan_for_notice(session, notice, "gate-1")) == 1
    people.erase(ada.id, "admin")
    people.erase(ada.id, "admin")
    assert people.find(ada.id) is None
    assert people.get(bob.id).friends == ()
    with pytest.raises(NotFound, match="was erased"):
        people.get(ada.id)
    with pytest.raises(Conflict, match="was erased"):
        people.create(ada, "admin")
    with database.read() as session:
        told = deliveries.for_subject(session, notice.id)[0]
        assert (told.state, told.address, told.reason) == ("failed", "", "the person was erased")
        assert trail.check(session) >= 3
    view = people.erasure(ada.id)
    assert (view.boxes, view.by) == ({"gate-1": None, "gate-2": None}, "admin")


def test_each_box_confirms_an_erasure_once(database, people):
    SimulatedBox("gate-1").register(database)
    ada = people.create(person(), "admin")
    with pytest.raises(Unavailable), database.write() as session:
        erasures.confirm(session, ada.id, "gate-1")
    people.erase(ada.id, "admin")
    for _ in range(2):
        with database.write() as session:
            erasures.confirm(session, ada.id, "gate-1")
    assert people.erasure(ada.id).boxes["gate-1"] is not None
    with database.read() as session:
        assert erasures.unfinished(session) == []


def test_nothing_of_an_erased_person_is_left_in_the_database(database, people, url):
    consent = Consent(given_by="Zacharias Quux", text_sha256="0" * 64, at="2026-01-01T00:00:00Z")
    template = Template(
        id=new_id(), pack="open-1", vector=vector_to_text([0.123] * 128), quality=1, made_at=now()
    )
    ada = people.create(person("Zacharias Quux", 4711, consent=consent, templates=(template,)), "admin")
    people.change(ada.id, ProfileChange(name="Quux Zacharias"), "admin")
    people.erase(ada.id, "admin")
    with database.read() as session:
        everything = "".join(
            str(row) for table in campus_tables() for row in session.execute(select(table)).all()
        )
    for trace in ("Quux", "4711", template.vector, template.id):
        assert trace not in everything


BASE = "2026-01-01T00:00:0"


def test_changes_made_apart_end_the_same_in_any_order(database):
    for order in permutations(range(3)):
        ada, bob = person("Ada"), person("Bob")
        changes = [
            ({"name": "first", "role": "staff"}, 1),
            ({"name": "last"}, 3),
            ({"name": "middle", "add_friends": (bob.id,)}, 2),
        ]
        with database.write() as session:
            profiles.apply_created(session, ProfileCreated(profile=bob, by="g"), "gate-1", f"{BASE}0.000Z")
            profiles.apply_created(session, ProfileCreated(profile=ada, by="g"), "gate-1", f"{BASE}0.000Z")
        for number in order:
            fields, at = changes[number]
            with database.write() as session:
                body = ProfileChanged(profile_id=ada.id, change=ProfileChange(**fields), by="g")
                profiles.apply_changed(session, body, "gate-1", new_id(), f"{BASE}{at}.000Z")
        with database.read() as session:
            found = profiles.get(session, ada.id)
        assert (found.name, found.role, found.friends) == ("last", "staff", (bob.id,))


def test_a_change_before_its_profile_waits_for_it(database, people):
    ada = person("Ada")
    change = ProfileChanged(profile_id=ada.id, change=ProfileChange(name="Ada L."), by="g")
    with database.write() as session:
        assert profiles.apply_changed(session, change, "gate-1", new_id(), f"{BASE}5.000Z") == "waiting"
    assert people.find(ada.id) is None
    with database.write() as session:
        profiles.apply_created(session, ProfileCreated(profile=ada, by="g"), "gate-1", f"{BASE}1.000Z")
    assert people.get(ada.id).name == "Ada L."


def test_an_erasure_before_its_profile_wins(database, people):
    ada = person("Ada")
    with database.write() as session:
        profiles.erase(session, ada.id, "guard", must_exist=False)
    with pytest.raises(Conflict, match="erased"), database.write() as session:
        profiles.apply_created(session, ProfileCreated(profile=ada, by="g"), "gate-1", now())
    assert people.find(ada.id) is None
    with database.read() as session:
        assert [c.body.type for c in feed.changes_for(session, "gate-1", 0, 9).changes] == ["tombstone"]
