"""The cloud's own alert channels over the stand-in: what was accepted, what was not, and what is unclear."""

from urllib.parse import quote

import pytest

from cloud.notify import apprise_channel
from cloud.notify.apprise_channel import AppriseChannel
from cloud.notify.outcome import Later
from contract.errors import Rejected, Unavailable
from contract.ids import new_id
from contract.ports import Alert
from demo.standin.settings import Settings
from tests.support.standin import Inbox

pytestmark = pytest.mark.usefixtures("led")

FRIEND = {"sms": "+15551230077", "push": "", "email": "friend@example.org"}
PROVIDER = {"sms": "twilio", "push": "fcm", "email": "smtp"}
CHANNELS = tuple(FRIEND)


def channel_of(name: str, standin: Settings) -> AppriseChannel:
    """As the cloud's configuration writes it: one URL without recipients."""
    sms, mail = standin.twilio, standin.mail
    urls = {
        "sms": f"twilio://{sms.sid}:{sms.token}@{sms.sender}",
        "push": f"fcm://{standin.fcm.project}?mode=oauth2&keyfile={quote(standin.fcm.keyfile, safe='')}",
        "email": f"mailto://{quote(mail.user, safe='')}:{quote(mail.password, safe='')}@{mail.host}:{mail.port}"
                 f"?mode=starttls&from={mail.user}",
    }
    return AppriseChannel(urls[name])


def alert_for(name: str, standin: Settings, address: str | None = None) -> Alert:
    """A new alert; its text ends with a link that holds the key, as real ones do."""
    key = new_id()
    text = f"Fall (high)\nWhere: north gate\nAnswer: https://box.example/a/{key.replace('-', '')}"
    return Alert(key, name, address or FRIEND[name] or standin.devices[1], "Fall: north gate", text)


@pytest.mark.parametrize("name", CHANNELS)
def test_an_accepted_alert_is_the_one_that_arrived(name: str, standin: Settings, inbox: Inbox) -> None:
    alert = alert_for(name, standin)
    accepted = channel_of(name, standin).send(alert)
    (message,) = inbox.new()
    assert message["id"] == accepted.provider_id
    assert (message["channel"], message["to"]) == (name, alert.address)
    assert message["text"].splitlines() == alert.text.splitlines()  # mail has line ends of its own


@pytest.mark.parametrize("name, address, said", [
    ("sms", "+05551230001", "21211"),
    ("push", "x" * 22 + ":APA91b" + "y" * 130, "UNREGISTERED"),
    ("email", "friend@nowhere.invalid", "550"),
])
def test_a_dead_address_is_refused_for_good(name: str, address: str, said: str, standin: Settings,
                                            inbox: Inbox) -> None:
    with pytest.raises(Rejected, match=said):
        channel_of(name, standin).send(alert_for(name, standin, address))
    assert inbox.new() == []


@pytest.mark.parametrize("name", CHANNELS)
def test_reject_is_final(name: str, standin: Settings, inbox: Inbox) -> None:
    inbox.fail_next(PROVIDER[name], "reject")
    with pytest.raises(Rejected):
        channel_of(name, standin).send(alert_for(name, standin))
    assert inbox.new() == []


@pytest.mark.parametrize("mode", ["429", "500"])
@pytest.mark.parametrize("name", CHANNELS)
def test_a_busy_provider_is_clearly_not_sent_and_the_next_try_arrives(name: str, mode: str, standin: Settings,
                                                                     inbox: Inbox) -> None:
    alert, channel = alert_for(name, standin), channel_of(name, standin)
    inbox.fail_next(PROVIDER[name], mode)
    with pytest.raises(Unavailable) as busy:
        channel.send(alert)
    assert not busy.value.ambiguous
    assert inbox.new() == []
    channel.send(alert)
    assert len(inbox.new()) == 1


def test_fcm_names_the_time_to_come_back(standin: Settings, inbox: Inbox) -> None:
    inbox.fail_next("fcm", "429")
    with pytest.raises(Later) as later:
        channel_of("push", standin).send(alert_for("push", standin))
    assert later.value.after == 60


@pytest.mark.parametrize("name", CHANNELS)
def test_a_lost_answer_is_unclear_and_an_sms_is_found_again(name: str, standin: Settings, inbox: Inbox,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_channel, "READ_TIMEOUT", 1.0)
    alert, channel = alert_for(name, standin), channel_of(name, standin)
    if name == "push":
        channel.send(alert)  # so that the access token is not what takes the time
        inbox.new()
    inbox.fail_next(PROVIDER[name], "timeout-after-accept", seconds=4)
    with pytest.raises(Unavailable) as lost:
        channel.send(alert)
    assert lost.value.ambiguous
    (message,) = inbox.new()
    found = channel.find(alert)
    assert found == ((message["id"],) if name == "sms" else None)


def test_find_knows_nothing_of_a_message_that_was_never_sent(standin: Settings) -> None:
    assert channel_of("sms", standin).find(alert_for("sms", standin)) is None


def test_wrong_credentials_are_for_the_operator_to_mend(standin: Settings, inbox: Inbox) -> None:
    account = standin.twilio
    with pytest.raises(Unavailable) as refused:
        AppriseChannel(f"twilio://{account.sid}:{'0' * 32}@{account.sender}").send(alert_for("sms", standin))
    assert "20003" in refused.value.detail and "credentials" in refused.value.hint
    assert inbox.new() == []
