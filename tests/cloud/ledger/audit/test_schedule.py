"""The audit by itself: in time, by one worker, its result kept, security told once of each set of findings."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from cloud.database import site
from cloud.database.ledger import audits
from cloud.database.telling import alerts, deliveries
from cloud.ledger.audit.books import TreeBooks
from cloud.ledger.audit.schedule import LEASE_S, Schedule, audit_due
from cloud.notify.letter import letter
from contract.delivery import SiteContacts
from contract.errors import Unavailable
from contract.moments import from_text, now, to_text
from contract.profile import Contact
from tests.support.campus import LEDGER, Campus

CONTACTS = (Contact(channel="sms", address="+4915100000001"), Contact(channel="email", address="desk@campus.example"))


@pytest.fixture
def campus(tmp_path):
    campus = Campus(tmp_path)
    with campus.database.write() as session:
        site.put(session, SiteContacts(security=CONTACTS), "test")
    campus.ids = campus.fill()
    yield campus
    campus.close()


def run(campus, hours_later=0.0, **how):
    at = to_text(from_text(now()) + timedelta(hours=hours_later))
    schedule = Schedule(**{"database": campus.database, "books": lambda: nullcontext(TreeBooks(campus.ledger)),
                           "hours": 24, "patience_s": -60, "clock": lambda: at, **how})
    done = audit_due(schedule)
    with campus.database.read() as session:
        told = [d for d in deliveries.page(session, ("pending", "failed"), 100)
                if d.recipient in (alerts.AUDIT, alerts.NOBODY)]
        return done, audits.last(session), told


def test_it_runs_when_it_is_due(campus):
    done, result, told = run(campus)
    assert (done, result.count, told) == (1, 0, [])
    assert result.checked["entries"] == 8
    assert run(campus, 23.9)[0] == 0
    assert run(campus, 24.1)[0] == 1


def test_never_means_never(campus):
    assert run(campus, hours=0) == (0, None, [])


def test_one_worker_at_a_time_and_the_next_when_it_died(campus):
    with campus.database.write() as session:
        assert audits.claim(session, now(), LEASE_S)
        assert not audits.claim(session, now(), LEASE_S)
    assert run(campus)[0] == 0
    assert run(campus, (LEASE_S + 60) / 3600)[0] == 1
    assert run(campus, 25)[0] == 1


def test_security_is_told_once_of_each_set_of_findings(campus):
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    _, result, told = run(campus)
    assert result.count == 1
    assert {(d.channel, d.address, d.audience) for d in told} == {
        (c.channel, c.address, "security") for c in CONTACTS}
    assert len(run(campus, 25)[2]) == 2
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[5])
    assert len(run(campus, 50)[2]) == 4


def test_the_same_again_after_all_agreed_is_news(campus):
    campus.tamper("UPDATE entries SET salt = salt || 'x' WHERE record_id = ?", campus.ids[4])
    assert len(run(campus)[2]) == 2
    campus.tamper("UPDATE entries SET salt = substr(salt, 1, 64) WHERE record_id = ?", campus.ids[4])
    assert run(campus, 25)[1].count == 0
    campus.tamper("UPDATE entries SET salt = salt || 'x' WHERE record_id = ?", campus.ids[4])
    assert len(run(campus, 50)[2]) == 4


def test_the_alert_says_what_was_found(campus):
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    delivery = run(campus)[2][0]
    with campus.database.read() as session:
        alert = letter(session, delivery, "https://cloud.test/a/x", from_text(now()))
    assert "found 1 gap" in alert.text and campus.ids[4] in alert.text and "https://cloud.test/a/x" in alert.text


def test_nobody_to_tell_is_put_on_record(campus):
    with campus.database.write() as session:
        site.put(session, SiteContacts(), "test")
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    (alarm,) = run(campus)[2]
    assert alarm.state == "failed" and "audit found 1" in alarm.reason
    with campus.database.read() as session:
        assert alarm in alerts.problems(session)


def test_an_undelivered_alert_of_the_audit_is_told_of_like_any_other(campus):
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    delivery = run(campus)[2][0]
    with campus.database.write() as session:
        failed = deliveries.settle(session, delivery.id, "failed", reason="no such number")
        (report,) = alerts.tell_of_failure(session, failed)
        alert = letter(session, report, "https://cloud.test/a/x", from_text(now()))
    assert "what the ledger's audit found" in alert.text and "no such number" in alert.text


class Away:
    def confirm(self, *_):
        raise Unavailable("no peer answers")

    items = confirm


def test_what_could_not_be_asked_is_kept_and_is_no_news(campus):
    campus.tamper("DELETE FROM leaves WHERE id = ?", campus.ids[4], file=LEDGER)
    assert len(run(campus)[2]) == 2
    _, result, told = run(campus, 25, books=lambda: nullcontext(Away()))
    assert "no peer answers" in result.unavailable[0] and result.count == 0 and len(told) == 2
    assert len(run(campus, 50)[2]) == 2


def test_a_process_that_ends_leaves_the_audit_to_the_next(campus):
    assert run(campus, stopping=lambda: True) == (0, None, [])
    assert run(campus)[0] == 1
