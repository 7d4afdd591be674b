import threading
from datetime import timedelta

import pytest

from cloud.database import changes, site
from cloud.database.down import feed
from cloud.database.people.profiles import ProfileTable
from cloud.database.records import records
from cloud.database.telling import deliveries
from contract.delivery import SiteContacts
from contract.errors import NotFound
from contract.ids import new_id
from contract.moments import from_text, now, to_text
from contract.policy import Policy
from contract.profile import Contact
from tests.support.cloud_box import SimulatedBox, person


def later(at: str, seconds: float) -> str:
    return to_text(from_text(at) + timedelta(seconds=seconds))


@pytest.fixture
def incident(database):
    people = ProfileTable(database)
    friend = people.create(person("Friend", 1), "admin")
    victim = people.create(person("Victim", friends=(friend.id,)), "admin")
    with database.write() as session:
        site.put(
            session,
            SiteContacts(
                security=(Contact(channel="email", address="s@example.org"),),
                police=(Contact(channel="sms", address="+49110110110"),),
            ),
            "admin",
        )
    incident = SimulatedBox().register(database).incident("critical", (victim.id,)).body.incident
    with database.write() as session:
        records.add_incident(session, incident)
        deliveries.plan_for_record(session, incident, Policy())
    return incident


def test_a_critical_incident_tells_friends_security_and_police_once(database, incident):
    for _ in range(2):
        with database.write() as session:
            deliveries.plan_for_record(session, incident, Policy())
    with database.read() as session:
        planned = deliveries.for_subject(session, incident.id)
        down = [
            c.body.delivery
            for c in feed.changes_for(session, "gate-1", 0, 99).changes
            if c.body.type == "delivery"
        ]
    assert [d.audience for d in planned] == ["friends", "police", "security"]
    assert sorted(d.id for d in down) == sorted(d.id for d in planned)


def test_a_low_incident_tells_nobody(database):
    incident = SimulatedBox().incident("low").body.incident
    with database.write() as session:
        assert deliveries.plan_for_record(session, incident, Policy()) == []


def test_a_claim_is_exclusive_until_its_lease_ends(database, incident):
    at = now()
    with database.write() as session:
        first = deliveries.claim_due(session, at, 10, 30)
    with database.write() as session:
        assert deliveries.claim_due(session, later(at, 29), 10, 30) == []
    with database.write() as session:
        second = deliveries.claim_due(session, later(at, 31), 10, 30)
    assert {c.unclear for c in first} == {0}
    assert {(c.delivery.attempts, c.unclear) for c in second} == {(2, 1)}


def test_what_a_dead_process_was_sending_is_taken_over_and_counted(database, incident):
    at = now()
    with database.write() as session:
        [first] = deliveries.claim_due(session, at, 1, 180)
    with database.write() as session:
        deliveries.take_over(session)
        claims = {c.delivery.id: c for c in deliveries.claim_due(session, at, 10, 180)}
    assert len(claims) == 3 and claims[first.delivery.id].unclear == 1, "the provider is asked before it is sent again"


def test_many_workers_never_get_the_same_delivery(database, incident):
    with database.write() as session:
        for number in range(40):
            deliveries.plan(session, new_id(), (), ("security",), f"box-{number}")
    taken, at = [], later(now(), 1)

    def work():
        while True:
            with database.write() as session:
                claims = deliveries.claim_due(session, at, 3, 60)
            if not claims:
                return
            taken.extend(claim.delivery.id for claim in claims)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 43


def test_settling_keeps_the_providers_id_and_tells_the_box(database, incident):
    with database.write() as session:
        claim = deliveries.claim_due(session, now(), 1, 30)[0]
    before = read_revision(database)
    with database.write() as session:
        deliveries.settle(session, claim.delivery.id, "accepted", provider_id="SM1")
    with database.write() as session:
        found = deliveries.settle(session, claim.delivery.id, "delivered")
    assert (found.state, found.provider_id) == ("delivered", "SM1")
    with database.read() as session:
        changes = feed.changes_for(session, "gate-1", before, 9).changes
    assert [c.body.delivery.state for c in changes] == ["delivered"]


def test_a_retry_waits_for_its_time(database, incident):
    at = now()
    with database.write() as session:
        claims = deliveries.claim_due(session, at, 10, 30)
        for claim in claims:
            deliveries.settle(session, claim.delivery.id, "pending", reason="503", not_before=later(at, 60))
    with database.write() as session:
        assert deliveries.claim_due(session, later(at, 59), 10, 30) == []
        assert len(deliveries.claim_due(session, later(at, 60), 10, 30)) == 3


def test_acknowledging_acknowledges_the_incident_and_stays(database, incident):
    with database.write() as session:
        claim = deliveries.claim_due(session, now(), 1, 30)[0]
    for _ in range(2):
        with database.write() as session:
            deliveries.acknowledge(session, claim.delivery.id, "friend by link", now())
    with database.write() as session:
        assert (
            deliveries.settle(session, claim.delivery.id, "accepted", provider_id="SM1").state
            == "acknowledged"
        )
    with database.read() as session:
        actions = records.actions_of(session, incident.id)
        down = [c.body for c in feed.changes_for(session, "gate-1", 0, 99).changes if c.body.type == "action"]
    assert [a.verb for a in actions] == ["acknowledge"]
    assert [body.action for body in down] == actions


def test_unknown_deliveries_are_not_found(database):
    with pytest.raises(NotFound), database.write() as session:
        deliveries.acknowledge(session, new_id(), "x", now())
    with pytest.raises(NotFound), database.read() as session:
        deliveries.get(session, new_id())


def read_revision(database) -> int:
    with database.read() as session:
        return changes.revision(session)
