"""Configured Apprise URLs: what is wrong is said at the start, without repeating a secret."""

import pytest

from cloud.notify.apprise_channel import AppriseChannel, channels_from
from contract.errors import Rejected, Unavailable
from contract.ids import new_id
from contract.ports import Accepted, Alert

SID, TOKEN = "AC" + "a" * 32, "5ecret" + "b" * 26


@pytest.mark.parametrize(("channel", "url"), [
    ("sms", "nonsense"), ("sms", ""), ("sms", "twilio://"), ("sms", f"twilio://{SID}:{TOKEN}@12"),
    ("sms", f"twilio://wrong:{TOKEN}@+15005550006"), ("push", "fcm://project?mode=oauth2"),
    ("push", "fcm://project?mode=wrong&keyfile=k"), ("email", "mailtos://user:5ecret@"),
])
def test_a_url_that_cannot_send_is_refused_by_name(channel, url):
    with pytest.raises(Rejected) as caught:
        channels_from({channel: url})
    assert f"the URL for {channel} alerts" in str(caught.value) and "5ecret" not in str(caught.value)


def test_what_is_not_configured_is_absent():
    assert channels_from({}) == {}
    assert set(channels_from({"sms": f"twilio://{SID}:{TOKEN}@+15005550006"})) == {"sms"}


def test_any_other_apprise_service_works_and_its_failure_is_ambiguous(tmp_path):
    from apprise.decorators import notify

    said = []

    @notify(on="sentrytest")
    def deliver(body, title, *_, **meta):
        said.append(body)
        return "fail" not in body

    channel = AppriseChannel("sentrytest://")
    alert = Alert(new_id(), "sms", "+4915112345678", "Title", "Hello")
    assert channel.send(alert) == Accepted(None) and said == ["Hello"]
    with pytest.raises(Unavailable) as caught:
        channel.send(alert._replace(text="fail"))
    assert caught.value.ambiguous and channel.find(alert) is None


@pytest.mark.parametrize("url", [
    "ntfys://user:5ecret@ntfy.example.org", "ntfy://alerts.example.org:8080", "ntfys://ntfy.example.org/?mode=cloud",
    "ntfys://+4915112", "ntfys://4915112345678",
])
def test_a_url_whose_host_would_become_a_recipient_is_refused(url):
    with pytest.raises(Rejected, match="the URL for sms alerts: Apprise would not write to the host") as caught:
        channels_from({"sms": url})
    assert "[alerts]" in caught.value.hint and "mode=private" in caught.value.hint
    assert "5ecret" not in str(caught.value)


@pytest.mark.parametrize(("channel", "url"), [
    ("sms", "ntfys://user:pw@Ntfy.Example.org/?mode=private"), ("sms", f"sinch://{'a' * 32}:{'b' * 32}@15005550006"),
    ("sms", "signal://localhost:8080/+15551234567"), ("sms", f"sns://{'A' * 20}/{'b' * 40}/us-east-1/"),
    ("push", "tgram://123456789:abcdefg_hijklmnop/"), ("push", "matrixs://user:pw@matrix.example.org"),
    ("email", f"mailgun://alerts@example.org/{'a' * 32}-{'b' * 8}-{'c' * 8}"), ("push", "json://localhost:8080/path"),
])
def test_other_services_keep_their_host(channel, url):
    assert set(channels_from({channel: url})) == {channel}
