"""What the providers document and Apprise does not show: error codes, look-ups, callbacks, the proxy, limits."""

import contextlib
import json
import os
import smtplib
import ssl
import stat
import time
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl

import httpx
import pytest

from demo.standin import settings, twilio
from demo.standin.arrivals import LIMIT, Arrivals
from demo.standin.mail import readable
from demo.standin.settings import Settings
from tests.support.standin import Inbox, start, stop

TWILIO = "https://api.twilio.com/2010-04-01/Accounts"
FCM = "https://fcm.googleapis.com/v1/projects"


@pytest.fixture
def web(standin: Settings) -> Iterator[httpx.Client]:
    """A client that knows only the public addresses, the proxy and the stand-in's CA."""
    context = ssl.create_default_context(cafile=standin.ca_file)
    with httpx.Client(proxy=standin.proxy_url, verify=context, trust_env=False, timeout=20) as client:
        yield client


def sms(standin: Settings, web: httpx.Client, **changes: str) -> httpx.Response:
    account = standin.twilio
    form = {"To": "+15551230001", "From": account.sender, "Body": "text", **changes}
    return web.post(
        f"{TWILIO}/{account.sid}/Messages.json",
        data={name: value for name, value in form.items() if value},
        auth=(account.sid, account.token),
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "5551230001"}, 21211),
        ({"To": "+0123456789"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "gate"}, 21212),
        ({"From": "+15551239999"}, 21606),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_twilio_refusals(standin: Settings, web: httpx.Client, inbox: Inbox, changes, code) -> None:
    answer = sms(standin, web, **changes)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["more_info"].endswith(f"/errors/{code}")
    assert inbox.new() == []


def test_twilio_takes_the_longest_body(standin: Settings, web: httpx.Client) -> None:
    answer = sms(standin, web, Body="x" * 1600)
    assert answer.status_code == 201
    assert answer.json()["status"] == "queued"


def test_twilio_authentication(standin: Settings, web: httpx.Client) -> None:
    account = standin.twilio
    url = f"{TWILIO}/{account.sid}/Messages.json"
    for credentials in ((account.sid, "wrong"), ("AC" + "0" * 32, account.token)):
        answer = web.get(url, auth=credentials)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    other = f"{TWILIO}/AC{'0' * 32}/Messages.json"
    assert web.get(other, auth=(account.sid, account.token)).json()["code"] == 20404


def test_twilio_fault_codes(standin: Settings, web: httpx.Client, inbox: Inbox) -> None:
    for mode, status, code in (("429", 429, 20429), ("500", 500, 20500), ("reject", 400, 21610)):
        inbox.fail_next("twilio", mode)
        answer = sms(standin, web)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_twilio_lookup_by_id_and_by_recipient(standin: Settings, web: httpx.Client) -> None:
    account = standin.twilio
    auth = (account.sid, account.token)
    ids = [sms(standin, web, To="+15551230077", Body=f"number {n}").json()["sid"] for n in range(2)]
    found = web.get(f"{TWILIO}/{account.sid}/Messages/{ids[0]}.json", auth=auth).json()
    assert (found["sid"], found["body"]) == (ids[0], "number 0")
    query = {"To": "+15551230077", "PageSize": "50"}
    listed = web.get(f"{TWILIO}/{account.sid}/Messages.json", params=query, auth=auth).json()
    assert [message["sid"] for message in listed["messages"]] == ids[::-1]
    for query, count in (({"DateSent>": "2020-01-01"}, 2), ({"DateSent<": "2020-01-01"}, 0)):
        query["To"] = "+15551230077"
        listed = web.get(f"{TWILIO}/{account.sid}/Messages.json", params=query, auth=auth).json()
        assert len(listed["messages"]) == count
    unknown = web.get(f"{TWILIO}/{account.sid}/Messages/SM{'0' * 32}.json", auth=auth)
    assert unknown.status_code == 404


class Callback(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((dict(parse_qsl(body)), self.headers["X-Twilio-Signature"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_twilio_status_callback_is_signed(standin: Settings, web: httpx.Client) -> None:
    server = HTTPServer(("127.0.0.1", 0), Callback)
    server.seen = []
    thread = Thread(target=lambda: [server.handle_request() for _ in range(2)])
    server.timeout = 10
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/status"
    sid = sms(standin, web, StatusCallback=url).json()["sid"]
    thread.join(20)
    server.server_close()
    assert [fields["MessageStatus"] for fields, _ in server.seen] == ["sent", "delivered"]
    for fields, signature in server.seen:
        assert fields["MessageSid"] == sid
        assert signature == twilio.signature(url, fields, standin.twilio.token)


def test_fcm_needs_a_token_of_the_oauth_endpoint(standin: Settings, web: httpx.Client) -> None:
    url = f"{FCM}/{standin.fcm.project}/messages:send"
    message = {"message": {"token": standin.devices[0], "notification": {"title": "a", "body": "b"}}}
    answer = web.post(url, json=message, headers={"Authorization": "Bearer ya29.made-up"})
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.fixture
def bearer(standin: Settings, led: None) -> dict[str, str]:
    """A bearer header fetched by Apprise's own OAuth client."""
    from apprise.plugins.fcm.oauth import GoogleOAuth

    oauth = GoogleOAuth()
    assert oauth.load(standin.fcm.keyfile)
    assert oauth.access_token
    return {"Authorization": f"Bearer {oauth.access_token}"}


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ({"token": "short"}, 400, "INVALID_ARGUMENT"),
        ({"token": "c" * 22 + ":" + "x" * 140}, 404, "UNREGISTERED"),
        ({"notification": {"title": "a"}}, 400, "INVALID_ARGUMENT"),
        ({"token": "DEVICE", "colour": "red"}, 400, "INVALID_ARGUMENT"),
        ({"token": "DEVICE", "data": {"n": 1}}, 400, "INVALID_ARGUMENT"),
        ({"token": "DEVICE", "notification": {"body": "x" * 5000}}, 400, "INVALID_ARGUMENT"),
        ([], 400, "INVALID_ARGUMENT"),
    ],
)
def test_fcm_refusals(standin: Settings, web: httpx.Client, bearer, inbox: Inbox, message, status, code) -> None:
    message = json.loads(json.dumps(message).replace("DEVICE", standin.devices[0]))
    url = f"{FCM}/{standin.fcm.project}/messages:send"
    answer = web.post(url, json={"message": message}, headers=bearer)
    assert answer.status_code == status
    assert answer.json()["error"]["details"][0]["errorCode"] == code
    assert inbox.new() == []


def test_fcm_of_another_project_is_forbidden(standin: Settings, web: httpx.Client, bearer) -> None:
    answer = web.post(f"{FCM}/another/messages:send", json={}, headers=bearer)
    assert answer.status_code == 403


def test_mail_wants_tls_then_login_then_an_own_sender(standin: Settings) -> None:
    mail = standin.mail
    context = ssl.create_default_context(cafile=standin.ca_file)
    with smtplib.SMTP(mail.host, mail.port, timeout=10) as client:
        client.ehlo()
        assert client.docmd("MAIL", f"FROM:<{mail.user}>")[0] == 530
        client.starttls(context=context)
        client.ehlo()
        assert client.docmd("MAIL", f"FROM:<{mail.user}>")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(mail.user, "wrong")
        client.login(mail.user, mail.password)
        assert client.mail("stranger@example.org")[0] == 553
        assert client.mail(mail.user)[0] == 250
        assert client.rcpt("no-address")[0] == 501
        assert client.rcpt("friend@nowhere.invalid")[0] == 550
        assert client.rcpt("friend@example.org")[0] == 250


def test_html_mail_is_shown_as_a_person_reads_it() -> None:
    message = EmailMessage()
    message.set_content("<style>p {color: red}</style><p>Gate<br>Block &lt;B&gt; &amp; yard</p>", subtype="html")
    assert readable(message) == "Gate\nBlock <B> & yard"


def test_proxy_leads_to_the_providers_only(standin: Settings, web: httpx.Client) -> None:
    with pytest.raises(httpx.ProxyError, match="403"):
        web.get("https://example.org/")
    answer = httpx.get("http://example.org/", proxy=standin.proxy_url, trust_env=False)
    assert answer.status_code == 405


def test_another_authority_does_not_accept_the_standin(standin: Settings) -> None:
    with (
        httpx.Client(proxy=standin.proxy_url, verify=True, trust_env=False) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get(f"{TWILIO}/x/Messages.json")


def test_page_and_messages_need_no_authority(standin: Settings) -> None:
    page = httpx.get(standin.page_url, trust_env=False)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert httpx.get(f"{standin.page_url}/messages", trust_env=False).json()["items"] is not None
    answer = httpx.get(standin.page_url, headers={"Host": "rebound.example"}, trust_env=False)
    assert answer.status_code == 400


def test_control_wants_its_token_and_known_words(standin: Settings) -> None:
    url = f"{standin.page_url}/control"
    plan = {"channel": "twilio", "mode": "500"}
    assert httpx.post(url, json=plan, trust_env=False).status_code == 401
    headers = {"Authorization": f"Bearer {standin.control_token}"}
    for wrong, named in (({"channel": "pigeon"}, "pigeon"), ({"mode": "maybe"}, "maybe"), ({"count": -1}, "-1")):
        answer = httpx.post(url, json={**plan, **wrong}, headers=headers, trust_env=False)
        assert answer.status_code == 422
        assert named in answer.json()["detail"]


def test_arrivals_are_bounded_and_the_cursor_tells_of_gaps() -> None:
    arrivals = Arrivals()
    for number in range(LIMIT + 5):
        arrivals.add(
            channel="sms" if number % 2 else "push", provider="p", sender="s", to="t", title="", text="x", id="i"
        )
    first = arrivals.page(after=0, limit=10)
    assert first["dropped"] == 5
    assert [item["seq"] for item in first["items"]] == list(range(6, 16))
    second = arrivals.page(after=first["next"], limit=10)
    assert second["items"][0]["seq"] == 16
    only = arrivals.page(after=0, limit=1000, channel="sms")
    assert len(only["items"]) == LIMIT // 2
    assert only["next"] == LIMIT + 5
    assert arrivals.page(after=LIMIT + 5, limit=10)["items"] == []


def test_restart_keeps_credentials_authority_and_ports(tmp_path: Path) -> None:
    first = start(tmp_path)
    before = settings.read(tmp_path)
    assert stop(first) == 0
    second = start(tmp_path)
    after = settings.read(tmp_path)
    try:
        assert after == before
        for name in ("standin.json", "accounts.json", "fcm-service-account.json", "ca.key", "server.pem"):
            assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600, name
    finally:
        stop(second)


def test_stops_promptly_while_a_request_is_held(tmp_path: Path) -> None:
    process = start(tmp_path)
    standin = settings.read(tmp_path)
    headers = {"Authorization": f"Bearer {standin.control_token}"}
    plan = {"channel": "twilio", "mode": "timeout-after-accept", "seconds": 100}
    httpx.post(f"{standin.page_url}/control", json=plan, headers=headers, trust_env=False).raise_for_status()
    context = ssl.create_default_context(cafile=standin.ca_file)
    with httpx.Client(proxy=standin.proxy_url, verify=context, trust_env=False, timeout=60) as client:
        held = Thread(target=lambda: _ignore(lambda: sms(standin, client)))
        held.start()
        while not httpx.get(f"{standin.page_url}/messages", trust_env=False).json()["items"]:
            time.sleep(0.05)
        assert stop(process) == 0
        held.join(10)


def _ignore(request) -> None:
    with contextlib.suppress(httpx.HTTPError):
        request()
