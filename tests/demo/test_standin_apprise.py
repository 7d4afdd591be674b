"""The real Apprise, unchanged, talks to the stand-in as it talks to the providers."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from demo.standin.settings import Settings
from tests.support.standin import Inbox, mail_url, push_url, send, sms_url

pytestmark = pytest.mark.usefixtures("led")


def test_sms_arrives(standin: Settings, inbox: Inbox) -> None:
    assert send(sms_url(standin), "Fall at the north gate")
    (message,) = inbox.new()
    assert message["channel"] == "sms"
    assert message["to"] == "+15551230001"
    assert message["sender"] == standin.twilio.sender
    assert "Fall at the north gate" in message["text"]
    assert message["id"].startswith("SM") and len(message["id"]) == 34


def test_push_arrives(standin: Settings, inbox: Inbox) -> None:
    assert send(push_url(standin), "Somebody is in the yard", title="Intrusion")
    (message,) = inbox.new()
    assert (message["channel"], message["to"]) == ("push", standin.devices[0])
    assert (message["title"], message["text"]) == ("Intrusion", "Somebody is in the yard")
    assert message["id"].startswith(f"projects/{standin.fcm.project}/messages/")


def test_mail_arrives(standin: Settings, inbox: Inbox) -> None:
    assert send(mail_url(standin), "Grüße vom Tor", title="Später Alarm")
    (message,) = inbox.new()
    assert (message["channel"], message["to"]) == ("email", "friend@example.org")
    assert message["title"] == "Später Alarm"
    assert "Grüße vom Tor" in message["text"]


def test_wrong_twilio_token_is_refused(standin: Settings, inbox: Inbox) -> None:
    assert not send(sms_url(standin, token="0" * 32), "no")
    assert inbox.new() == []


def test_wrong_mail_password_is_refused(standin: Settings, inbox: Inbox) -> None:
    assert not send(mail_url(standin, password="wrong"), "no")
    assert inbox.new() == []


def test_unknown_mail_domain_is_refused(standin: Settings, inbox: Inbox) -> None:
    assert not send(mail_url(standin, to="somebody@nowhere.invalid"), "no")
    assert inbox.new() == []


def test_unregistered_device_is_refused(standin: Settings, inbox: Inbox) -> None:
    gone = "c" * 22 + ":APA91b" + "x" * 134
    assert not send(push_url(standin, device=gone), "no")
    assert inbox.new() == []


def test_key_of_another_service_account_is_refused(standin: Settings, inbox: Inbox, tmp_path: Path) -> None:
    forged = json.loads(Path(standin.fcm.keyfile).read_text())
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    forged["private_key"] = pem.decode()
    keyfile = tmp_path / "forged.json"
    keyfile.write_text(json.dumps(forged))
    assert not send(push_url(standin, keyfile=str(keyfile)), "no")
    assert inbox.new() == []


@pytest.mark.parametrize("mode", ["429", "500", "reject"])
@pytest.mark.parametrize(("channel", "url"), [("twilio", sms_url), ("fcm", push_url), ("smtp", mail_url)])
def test_planned_failure_meets_exactly_its_count(channel, url, mode, standin: Settings, inbox: Inbox) -> None:
    inbox.fail_next(channel, mode)
    assert not send(url(standin), "first")
    assert inbox.new() == []
    assert send(url(standin), "second")
    assert len(inbox.new()) == 1


def test_timeout_after_accept_delivers_what_apprise_calls_a_failure(standin: Settings, inbox: Inbox) -> None:
    inbox.fail_next("twilio", "timeout-after-accept", seconds=3)
    assert not send(sms_url(standin, options="rto=0.5"), "slow")
    (message,) = inbox.new()
    assert "slow" in message["text"]
