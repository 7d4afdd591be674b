"""What the real intake makes of a record is what the policy says, for every severity and setting."""

import itertools

import pytest
from sqlmodel import select

from cloud.database import site
from cloud.database.records import records
from cloud.database.tables.ledger import LedgerJobRow
from cloud.database.telling import alerts, deliveries, releases
from cloud.database.telling.handover import hand_over
from cloud.ingest.intake import take
from contract.delivery import SiteContacts
from contract.errors import Rejected
from contract.ids import derived_id
from contract.incident import SEVERITIES
from contract.messages import encode
from contract.policy import POLICE, PoliceRule, Policy, Step, decide
from contract.profile import Contact
from tests.support.policies import waiting_for

RAIL = "rail-police"
WORDS = ("nothing", "details", "everything")


@pytest.fixture
def database(database):
    with database.write() as session:
        site.put(session, SiteContacts(
            security=(Contact(channel="sms", address="+4915100000001"),),
            police=(Contact(channel="email", address="desk@police.example"),),
            others={RAIL: (Contact(channel="email", address="desk@rail.example"),)}), "test")
    return database


def what_became_of(database, record_id):
    """(ledger channels, urgent, audiences told, organisations released to)."""
    with database.read() as session:
        jobs = session.exec(select(LedgerJobRow).where(LedgerJobRow.record_id == record_id)).all()
        told = {d.audience for d in deliveries.for_subject(session, record_id)}
        released = {name for name, row in releases.of_record(session, record_id).items() if row.withdrawn_at is None}
    return {job.channel for job in jobs}, {job.urgent for job in jobs}, told, released


@pytest.mark.parametrize(("word", "rail_word"), list(itertools.product(WORDS, WORDS)))
def test_channel_delivery_and_release_are_the_policys(database, box, setting, word, rail_word):
    for from_severity in ("high", "critical"):
        policy = Policy(police=(PoliceRule(word_for=word),
                                PoliceRule(organisation=RAIL, from_severity=from_severity, word_for=rail_word)))
        for severity in SEVERITIES:
            for message in (box.incident(severity), box.log(severity)):
                take(database, setting._replace(policy=policy), box.name, encode(message))
                record_id, kind = message.body.entry.entry.record_id, message.body.type
                wanted = decide(kind, severity, policy)
                # Nobody is a victim here, so there are no friends.
                assert what_became_of(database, record_id) == (
                    set(wanted.channels), {wanted.at_once}, set(wanted.audience) - {"friends"}, set(wanted.released))


def test_a_persons_word_puts_it_on_the_channel_tells_and_releases(database, box, setting):
    message = box.incident("critical")
    take(database, setting._replace(policy=waiting_for("everything")), box.name, encode(message))
    incident = message.body.incident
    assert what_became_of(database, incident.id) == ({"general"}, {True}, {"security"}, set())
    for _ in range(2):
        with database.write() as session:
            hand_over(session, incident, POLICE, "grace")
    assert what_became_of(database, incident.id) == ({"general", POLICE}, {True}, {"security", POLICE}, {POLICE})
    with database.read() as session:
        assert len(deliveries.for_subject(session, incident.id)) == 2


def test_two_organisations_are_handed_a_record_apart(database, box, setting):
    policy = Policy(police=(PoliceRule(), PoliceRule(organisation=RAIL, word_for="everything")))
    message = box.incident("high")
    take(database, setting._replace(policy=policy), box.name, encode(message))
    incident = message.body.incident
    assert what_became_of(database, incident.id) == ({"general", POLICE}, {True}, {"security", POLICE}, set())
    with database.write() as session:
        hand_over(session, incident, RAIL, "grace")
    assert what_became_of(database, incident.id) == (
        {"general", POLICE, RAIL}, {True}, {"security", POLICE, RAIL}, {RAIL})
    with database.write() as session:
        releases.release(session, incident.id, POLICE, "grace")
        releases.withdraw(session, incident.id, RAIL, "grace")
        assert releases.released(session, (incident.id,), POLICE) == {incident.id}
        assert releases.released(session, (incident.id,), RAIL) == set()


def test_a_later_step_tells_the_same_people_again_and_the_first_keeps_its_ids(database, box, setting):
    policy = Policy(again=(Step(after_minutes=10, audience=("security", POLICE)),))
    message = box.incident("high")
    take(database, setting._replace(policy=policy), box.name, encode(message))
    incident = message.body.incident
    for _ in range(2):
        with database.write() as session:
            deliveries.plan_for_record(session, incident, policy, step=1)
    with database.write() as session:
        rows = deliveries.for_subject(session, incident.id)
        due = deliveries.claim_due(session, "9999-01-01T00:00:00.000Z", 20, 60)
        assert records.incident_view(session, incident.id) and alerts.untold(session) == []
    assert sorted((d.audience, d.step) for d in rows) == [(POLICE, 0), (POLICE, 1), ("security", 0), ("security", 1)]
    assert len({d.id for d in rows}) == 4 and {c.delivery.id for c in due} == {d.id for d in rows}
    first = next(d for d in rows if d.audience == "security" and d.step == 0)
    assert first.id == derived_id(incident.id, "security", "sms", "+4915100000001")
    with pytest.raises(Rejected, match="no step 2"), database.write() as session:
        deliveries.plan_for_record(session, incident, policy, step=2)
