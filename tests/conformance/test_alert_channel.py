"""What every AlertChannel must do, asked of each over the real Apprise and the providers' strict stand-in."""

import os
from typing import NamedTuple
from urllib.parse import quote

import pytest

from cloud.notify.apprise_channel import AppriseChannel
from cloud.notify.links import sign
from contract.errors import Rejected, Unavailable
from contract.ids import new_id
from contract.ports import Accepted, Alert
from demo.standin import settings
from tests.support.standin import Inbox, start, stop

WAIT = "rto=0.7&cto=0.7"
"""Seconds an adapter waits here; the stand-in is told to be slower."""
SLOW = 2.0


class Case(NamedTuple):
    """An adapter, an address that takes messages, one that never will, and whether its provider can be asked."""

    name: str
    adapter: AppriseChannel
    without_credentials: AppriseChannel
    address: str
    dead: str
    fault: str
    can_find: bool


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
    for channel in ("twilio", "oauth", "fcm", "smtp"):
        inbox.fail_next(channel, "500", count=0)
    inbox.close()


@pytest.fixture(params=["sms", "push", "email"])
def case(request, standin, tmp_path):
    account, mail = standin.twilio, standin.mail
    keyfile = quote(standin.fcm.keyfile, safe="")

    def mailer(password):
        user = f"{quote(mail.user, safe='')}:{quote(password, safe='')}"
        return AppriseChannel(f"mailtos://{user}@{mail.host}:{mail.port}?smtp={mail.host}&from={mail.user}"
                              f"&mode=starttls&{WAIT}")

    return {
        "sms": lambda: Case("sms", AppriseChannel(f"twilio://{account.sid}:{account.token}@{account.sender}?{WAIT}"),
                            AppriseChannel(f"twilio://{account.sid}:{'0' * 32}@{account.sender}?{WAIT}"),
                            "+4915112345678", account.sender, "twilio", True),
        "push": lambda: Case("push", AppriseChannel(f"fcm://{standin.fcm.project}?mode=oauth2&keyfile={keyfile}&{WAIT}"),
                             AppriseChannel(f"fcm://{standin.fcm.project}?mode=oauth2&keyfile={tmp_path}/none&{WAIT}"),
                             standin.devices[0], "c" * 22 + ":APA91b" + "x" * 134, "fcm", False),
        "email": lambda: Case("email", mailer(mail.password), mailer("wrong"), "ben@example.org",
                              "ben@nowhere.invalid", "smtp", False),
    }[request.param]()


def alert_for(case, address=None) -> Alert:
    key = new_id()
    link = f"https://cloud.example.org/a/{sign(key, 2_000_000_000, bytes(32))}"
    text = f"Intrusion (high)\nWho: Anna Müller 李\nWhere: Roof, block C\nWhen: 20:00\nAnswer: {link}"
    return Alert(key, case.name, address or case.address, "Intrusion: Anna", text)


def test_it_hands_over_once_with_the_whole_text_and_the_providers_id(case, inbox):
    alert = alert_for(case)
    accepted = case.adapter.send(alert)
    [arrived] = inbox.new()
    assert isinstance(accepted, Accepted) and accepted.provider_id == arrived["id"]
    assert (arrived["to"], arrived["text"].replace("\r\n", "\n").strip()) == (alert.address, alert.text)
    assert arrived["title"] == ("" if case.name == "sms" else alert.title)


def test_a_long_text_arrives_whole_in_one_message(case, inbox):
    alert = alert_for(case)
    alert = alert._replace(text="x" * (300 if case.name == "push" else 1600 - len(alert.text) - 1) + "\n" + alert.text)
    case.adapter.send(alert)
    assert [m["text"].replace("\r\n", "\n").strip() for m in inbox.new()] == [alert.text]


def test_an_address_that_never_works_is_rejected_with_the_providers_words(case, inbox):
    with pytest.raises(Rejected, match=r"answered [45]"):
        case.adapter.send(alert_for(case, case.dead))
    assert inbox.new() == []


def test_a_recipient_who_has_opted_out_is_rejected(case, inbox):
    inbox.fail_next(case.fault, "reject")
    with pytest.raises(Rejected):
        case.adapter.send(alert_for(case))
    assert inbox.new() == []


@pytest.mark.parametrize("mode", ["429", "500"])
def test_a_provider_in_trouble_is_unavailable_and_has_nothing(case, inbox, mode):
    inbox.fail_next(case.fault, mode)
    with pytest.raises(Unavailable) as caught:
        case.adapter.send(alert_for(case))
    assert not caught.value.ambiguous and inbox.new() == []
    assert isinstance(case.adapter.send(alert_for(case)), Accepted), "it works again afterwards"


def test_an_answer_that_does_not_come_is_ambiguous_and_found_where_it_can_be(case, inbox):
    inbox.fail_next(case.fault, "timeout-after-accept", seconds=SLOW)
    alert = alert_for(case)
    with pytest.raises(Unavailable) as caught:
        case.adapter.send(alert)
    [arrived] = inbox.new()
    assert caught.value.ambiguous
    assert case.adapter.find(alert) == (Accepted(arrived["id"]) if case.can_find else None)


def test_what_was_never_sent_is_not_found(case, inbox):
    case.adapter.send(alert_for(case))
    assert case.adapter.find(alert_for(case)) is None


def test_wrong_credentials_say_what_to_mend_and_are_not_final(case, inbox):
    with pytest.raises(Unavailable) as caught:
        case.without_credentials.send(alert_for(case))
    assert not caught.value.ambiguous and "check" in caught.value.hint and inbox.new() == []


def test_a_provider_that_cannot_be_reached_is_unavailable_and_not_ambiguous(case, inbox, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    adapter = case.adapter
    if case.name == "email":
        adapter = AppriseChannel(f"mailto://127.0.0.1:9?from=a@example.org&mode=insecure&{WAIT}")
    with pytest.raises(Unavailable) as caught:
        adapter.send(alert_for(case))
    assert not caught.value.ambiguous
    if case.can_find:
        with pytest.raises(Unavailable):
            adapter.find(alert_for(case))
