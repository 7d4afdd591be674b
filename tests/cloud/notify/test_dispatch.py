"""Claim, send, settle: what a recipient gets, whatever the provider or the worker does in between."""

import threading

import pytest

from cloud.database import site
from cloud.database.down import feed
from cloud.database.records import records
from cloud.database.telling import alerts, deliveries
from cloud.notify.dispatch import LEASE_S, dispatch_once, note_untold
from contract.delivery import Notice, SiteContacts
from contract.errors import Rejected, Unavailable
from contract.ids import new_id
from contract.incident import Incident, Involved
from contract.moments import now
from contract.policy import Policy
from contract.ports import Accepted

CUT = Unavailable("cut off after sending", ambiguous=True)
BUSY = Unavailable("busy")


class Crash(BaseException):
    """The worker dies."""


class ScriptedChannel:
    """Does what `script` says, call by call: an exception to raise, or a provider id to give. `arrived` has what the
    recipient got; ("lost", error) arrives though the sender is told otherwise."""

    def __init__(self, *script) -> None:
        self.script = list(script)
        self.arrived: list = []
        self.asked = 0

    def send(self, alert):
        step = self.script.pop(0) if self.script else "OK"
        if isinstance(step, tuple):
            self.arrived.append(alert)
            raise step[1]
        if isinstance(step, BaseException):
            raise step
        self.arrived.append(alert)
        return Accepted(step)

    def find(self, alert):
        self.asked += 1
        return None


class KnowingChannel(ScriptedChannel):
    """A provider that can be asked what it has."""

    def find(self, alert):
        self.asked += 1
        return Accepted("found") if any(a.key == alert.key for a in self.arrived) else None


def put_incident(database, victim, severity="high"):
    people = (Involved(person=victim.id, part="victim", confidence=0.9),) if victim else ()
    incident = Incident(id=new_id(), device="roof-box", sequence=1, kind="intrusion", severity=severity, at=now(),
                        location="Roof, block C", people=people)
    with database.write() as session:
        records.add_incident(session, incident)
        deliveries.plan_for_record(session, incident, Policy())
    return incident


def put_sms(database, victim):
    """A notice to the police contact: one SMS. (Its failure is reported to security by mail, for which tests set no
    channel.)"""
    notice = Notice(id=new_id(), device="roof-box", users=(victim.id,), audience=("police",), description="Come",
                    location="Gate", at=now(), by="guard")
    with database.write() as session:
        records.add_notice(session, notice, "roof-box")
        deliveries.plan_for_notice(session, notice, "roof-box")
    return notice.id


def run_until_quiet(desk, clock, rounds=12):
    for _ in range(rounds):
        dispatch_once(desk)
        clock.later(901)


def test_friends_security_and_police_are_told_who_where_and_how_to_answer(database, victim, desk, all_of):
    incident = put_incident(database, victim)
    channels = {name: ScriptedChannel(*[f"{name}-{n}" for n in range(5)]) for name in ("sms", "push", "email")}
    assert dispatch_once(desk(**channels)) == 6
    assert {(d.audience, d.channel, d.state) for d in all_of(incident.id)} == {
        ("friends", "sms", "accepted"), ("friends", "push", "accepted"), ("friends", "email", "accepted"),
        ("security", "sms", "accepted"), ("security", "email", "accepted"), ("police", "sms", "accepted")}
    assert all(d.provider_id.startswith(f"{d.channel}-") for d in all_of(incident.id))
    text = channels["push"].arrived[0].text
    assert "Anna Example (victim)" in text and "Roof, block C" in text
    assert f"https://cloud.example/a/{channels['push'].arrived[0].key.replace('-', '')}" in text


def test_a_second_round_sends_nothing_again(database, victim, desk):
    put_incident(database, victim)
    channels = {name: ScriptedChannel() for name in ("sms", "push", "email")}
    dispatch_once(desk(**channels))
    assert dispatch_once(desk(**channels)) == 0


def test_a_busy_provider_is_tried_again_when_it_is_due_not_before(database, victim, desk, clock, all_of):
    subject = put_sms(database, victim)
    sms = ScriptedChannel(BUSY, BUSY, "SM3")
    dispatch_once(desk(sms=sms))
    assert all_of(subject)[0].state == "pending" and all_of(subject)[0].reason == "busy"
    clock.later(4)
    assert dispatch_once(desk(sms=sms)) == 0
    clock.later(2)
    assert dispatch_once(desk(sms=sms)) == 1
    clock.later(16)
    dispatch_once(desk(sms=sms))
    [delivery] = all_of(subject)
    assert (delivery.state, delivery.provider_id, delivery.attempts, len(sms.arrived)) == ("accepted", "SM3", 3, 1)


def test_one_bad_number_does_not_hold_up_the_others(database, victim, desk, all_of):
    incident = put_incident(database, victim)
    no_number = Rejected("code 21211")
    dispatch_once(desk(sms=ScriptedChannel(*[no_number] * 3), push=ScriptedChannel(), email=ScriptedChannel()))
    states = {d.channel: d.state for d in all_of(incident.id) if d.audience == "friends"}
    assert states == {"sms": "failed", "push": "accepted", "email": "accepted"}


def test_lost_answer_of_a_provider_that_can_be_asked_sends_once(database, victim, desk, clock, all_of):
    subject = put_sms(database, victim)
    sms = KnowingChannel(("lost", CUT))
    run_until_quiet(desk(sms=sms), clock)
    [delivery] = all_of(subject)
    assert (delivery.state, delivery.provider_id, len(sms.arrived)) == ("accepted", "found", 1)


def test_lost_answers_of_one_that_cannot_send_at_most_twice(database, victim, desk, clock, all_of):
    subject = put_sms(database, victim)
    sms = ScriptedChannel(*[("lost", CUT)] * 9)
    run_until_quiet(desk(sms=sms), clock)
    delivery = next(d for d in all_of(subject) if d.audience == "police")
    assert delivery.state == "failed" and "may have arrived, nobody confirms it: cut off" in delivery.reason
    assert [a.key for a in sms.arrived].count(delivery.id) == 2


@pytest.mark.parametrize("in_between", [[], [BUSY], [BUSY, BUSY, BUSY]])
def test_clear_refusals_between_lost_answers_do_not_add_messages(database, victim, desk, clock, all_of, in_between):
    subject = put_sms(database, victim)
    sms = ScriptedChannel(BUSY, ("lost", CUT), *in_between, ("lost", CUT), ("lost", CUT), ("lost", CUT))
    run_until_quiet(desk(sms=sms), clock)
    delivery = next(d for d in all_of(subject) if d.audience == "police")
    assert [a.key for a in sms.arrived].count(delivery.id) == 2 and delivery.state == "failed"


@pytest.mark.parametrize("crashes", [1, 2, 3])
@pytest.mark.parametrize("kind", [ScriptedChannel, KnowingChannel])
def test_a_worker_that_dies_between_send_and_settle(database, victim, desk, clock, all_of, crashes, kind):
    subject = put_sms(database, victim)
    sms = kind(*[("lost", Crash())] * crashes)
    for _ in range(8):
        try:
            dispatch_once(desk(sms=sms))
        except Crash:
            assert all_of(subject)[0].state == "sending"
        clock.later(LEASE_S + 1)
    delivery = next(d for d in all_of(subject) if d.audience == "police")
    received = [a.key for a in sms.arrived].count(delivery.id)
    assert received == 1 if kind is KnowingChannel else received <= 2
    assert delivery.state == ("failed" if kind is ScriptedChannel and crashes > 1 else "accepted")


def test_two_workers_at_once_send_each_alert_once(database, victim, desk, all_of):
    incidents = [put_incident(database, victim) for _ in range(4)]
    channels = {name: ScriptedChannel() for name in ("sms", "push", "email")}
    threads = [threading.Thread(target=lambda: [dispatch_once(desk(**channels)) for _ in range(4)]) for _ in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    arrived = [a.key for c in channels.values() for a in c.arrived]
    assert len(arrived) == len(set(arrived)) == 24
    assert {d.state for i in incidents for d in all_of(i.id)} == {"accepted"}


def test_an_unset_channel_is_a_failure_that_says_so(database, victim, desk, all_of):
    incident = put_incident(database, victim)
    dispatch_once(desk(sms=ScriptedChannel(), email=ScriptedChannel()))
    [push] = [d for d in all_of(incident.id) if d.channel == "push"]
    assert push.state == "failed" and "no push service is configured" in push.reason


def test_a_failed_delivery_tells_security_once_by_another_channel(database, victim, desk, clock, all_of):
    incident = put_incident(database, victim)
    mail = ScriptedChannel()
    run_until_quiet(desk(sms=ScriptedChannel(*[Rejected("code 21211")] * 9), push=ScriptedChannel(), email=mail), clock)
    reports = [a for a in mail.arrived if a.title == "Somebody was not told"]
    assert len(reports) == 1 and reports[0].address == "security@example.org"
    assert "Ben Example (friends) by sms: code 21211" in reports[0].text
    assert sum(d.recipient == alerts.UNDELIVERED for d in all_of(incident.id)) == 1


def test_reports_of_failures_that_fail_end_there(database, victim, desk, clock, all_of):
    incident = put_incident(database, victim)
    bad = {name: ScriptedChannel(*[Rejected("no")] * 30) for name in ("sms", "push", "email")}
    run_until_quiet(desk(**bad), clock)
    rows = all_of(incident.id)
    assert {d.state for d in rows} == {"failed"} and len(rows) == 6 + 2


def test_a_fault_in_an_adapter_is_a_visible_failure_and_sends_at_most_twice(database, victim, desk, clock, all_of):
    subject = put_sms(database, victim)
    sms = ScriptedChannel(*[("lost", ZeroDivisionError())] * 9)
    run_until_quiet(desk(sms=sms), clock)
    delivery = next(d for d in all_of(subject) if d.audience == "police")
    assert delivery.state == "failed" and "ZeroDivisionError" in delivery.reason
    assert [a.key for a in sms.arrived].count(delivery.id) == 2


def test_an_incident_nobody_can_be_told_of_is_an_alarm(database, desk, all_of):
    with database.write() as session:
        site.put(session, SiteContacts(), "test")
    incident, quiet = put_incident(database, None, "critical"), put_incident(database, None, "low")
    assert (note_untold(desk()), note_untold(desk())) == (1, 0)
    [alarm] = all_of(incident.id)
    assert alarm.state == "failed" and alarm.reason.startswith("nobody could be told: no victim was recognised")
    assert all_of(quiet.id) == []
    with database.read() as session:
        assert alarm in alerts.problems(session)


def test_a_late_alert_says_so(database, victim, desk, clock):
    put_incident(database, victim)
    clock.later(3 * 3600)
    push = ScriptedChannel()
    dispatch_once(desk(push=push, sms=ScriptedChannel(), email=ScriptedChannel()))
    assert "LATE: this comes 3 h 1 min after it happened" in push.arrived[0].text


def test_the_box_hears_of_each_change(database, victim, desk):
    incident = put_incident(database, victim)
    dispatch_once(desk(push=ScriptedChannel("P1"), sms=ScriptedChannel(), email=ScriptedChannel()))
    with database.read() as session:
        bodies = [c.body for c in feed.changes_for(session, "roof-box", 0, 200).changes]
    sent = [b.delivery for b in bodies if b.type == "delivery" and b.delivery.subject == incident.id]
    assert len(sent) == 6 and {d.state for d in sent} == {"accepted"}
