"""The dispatcher with the real Apprise against the providers' stand-in: what arrives, failure by failure."""

import os
from urllib.parse import quote

import pytest

from cloud.database import site
from cloud.database.people.profiles import ProfileTable
from cloud.database.telling import deliveries
from cloud.notify.apprise_channel import channels_from
from cloud.notify.dispatch import dispatch_once
from contract.delivery import SiteContacts
from contract.ids import new_id
from contract.profile import Contact, Profile
from demo.standin import settings
from tests.support.standin import Inbox, start, stop

SLOW = 1.5
FAULT = {"sms": "twilio", "push": "fcm", "email": "smtp"}


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    home = tmp_path_factory.mktemp("standin")
    process = start(home)
    yield settings.read(home)
    stop(process)


@pytest.fixture
def inbox(standin, monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in standin.environment().items():
        monkeypatch.setenv(name, value)
    inbox = Inbox(standin)
    yield inbox
    for channel in FAULT.values():
        inbox.fail_next(channel, "500", count=0)
    inbox.close()


@pytest.fixture
def worker(standin, desk):
    account, mail = standin.twilio, standin.mail
    wait = "rto=0.6&cto=0.6"
    return desk(**channels_from({
        "sms": f"twilio://{account.sid}:{account.token}@{account.sender}?{wait}",
        "push": f"fcm://{standin.fcm.project}?mode=oauth2&keyfile={quote(standin.fcm.keyfile, safe='')}&{wait}",
        "email": f"mailtos://{quote(mail.user, safe='')}:{mail.password}@{mail.host}:{mail.port}"
                 f"?smtp={mail.host}&from={mail.user}&mode=starttls&{wait}"}))


@pytest.fixture
def told(database, standin, all_of):
    """Plans one delivery by this channel; gives a way to read it."""
    def plan(channel, address=None):
        address = address or {"sms": "+4915112345678", "push": standin.devices[0], "email": "ben@example.org"}[channel]
        with database.write() as session:
            site.put(session, SiteContacts(), "test")
        table = ProfileTable(database)
        friend = table.create(Profile(id=new_id(), name="Ben", contacts=(
            Contact(channel=channel, address=address),)), "test")
        subject = new_id()
        person = table.create(Profile(id=new_id(), name="Anna", friends=(friend.id,)), "test")
        with database.write() as session:
            deliveries.plan(session, subject, (person.id,), ("friends",), None)
        return lambda: next(d for d in all_of(subject) if d.audience == "friends")
    return plan


@pytest.fixture
def rounds(worker, clock):
    def run(count=6):
        for _ in range(count):
            dispatch_once(worker)
            clock.later(901)
    return run


@pytest.mark.parametrize("channel", FAULT)
def test_accepted_with_the_providers_own_id(channel, told, rounds, inbox):
    delivery = told(channel)
    rounds(2)
    [arrived] = inbox.new()
    assert (delivery().state, delivery().provider_id, delivery().attempts) == ("accepted", arrived["id"], 1)


@pytest.mark.parametrize("mode", ["429", "500"])
@pytest.mark.parametrize("channel", FAULT)
def test_trouble_at_the_provider_delays_and_nothing_is_doubled(channel, mode, told, rounds, inbox):
    inbox.fail_next(FAULT[channel], mode, count=2)
    delivery = told(channel)
    rounds(1)
    assert delivery().state == "pending" and "answered" in delivery().reason
    rounds(3)
    assert (delivery().state, delivery().attempts, len(inbox.new())) == ("accepted", 3, 1)


def test_no_token_from_google_is_retried(told, rounds, inbox):
    inbox.fail_next("oauth", "500")
    delivery = told("push")
    rounds(1)
    assert "no access token" in delivery().reason
    rounds(1)
    assert (delivery().state, len(inbox.new())) == ("accepted", 1)


@pytest.mark.parametrize(("channel", "address", "said"), [
    ("push", "c" * 22 + ":APA91b" + "x" * 134, "UNREGISTERED"), ("email", "ben@nowhere.invalid", "550"),
    ("push", "not-a-device-token", "INVALID_ARGUMENT")])
def test_a_dead_address_fails_at_once_and_says_why(channel, address, said, told, rounds, inbox):
    delivery = told(channel, address)
    rounds(2)
    assert (delivery().state, delivery().attempts) == ("failed", 1) and said in delivery().reason
    assert inbox.new() == []


def test_an_unsubscribed_number_fails_at_once(told, rounds, inbox):
    inbox.fail_next("twilio", "reject")
    delivery = told("sms")
    rounds(2)
    assert delivery().state == "failed" and "21610" in delivery().reason


def test_a_lost_answer_of_twilio_is_looked_up_and_not_sent_again(told, rounds, inbox):
    inbox.fail_next("twilio", "timeout-after-accept", seconds=SLOW)
    delivery = told("sms")
    rounds(4)
    [arrived] = inbox.new()
    assert (delivery().state, delivery().provider_id) == ("accepted", arrived["id"])


@pytest.mark.parametrize("channel", ["push", "email"])
def test_a_lost_answer_elsewhere_makes_one_extra_message_at_most(channel, told, rounds, inbox):
    inbox.fail_next(FAULT[channel], "timeout-after-accept", seconds=SLOW)
    delivery = told(channel)
    rounds(4)
    assert (delivery().state, len(inbox.new())) == ("accepted", 2)


@pytest.mark.parametrize("channel", ["push", "email"])
def test_answers_that_never_come_end_after_two_messages_with_a_visible_failure(channel, told, rounds, inbox):
    inbox.fail_next(FAULT[channel], "timeout-after-accept", count=9, seconds=SLOW)
    delivery = told(channel)
    rounds(5)
    assert (delivery().state, len(inbox.new())) == ("failed", 2) and "may have arrived" in delivery().reason


def test_both_messages_of_a_mail_have_one_message_id(told, rounds, inbox):
    inbox.fail_next("smtp", "timeout-after-accept", seconds=SLOW)
    told("email")
    rounds(3)
    assert len({m["id"] for m in inbox.new()}) == 1
