"""A stand-in for the alert providers as a test uses it: started, watched, and addressed through Apprise."""

import select
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import apprise
import httpx
import pytest

from demo.standin.settings import Settings

ROOT = Path(__file__).parents[2]


def start(home: Path) -> subprocess.Popen[str]:
    """Starts a stand-in and waits for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.standin", "--home", str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], 30)
    line = process.stdout.readline() if readable else ""
    if not line.startswith("ready http://127.0.0.1:"):
        stop(process)
        pytest.fail(f"the stand-in did not become ready; it said {line!r}")
    return process


def stop(process: subprocess.Popen[str]) -> int:
    process.terminate()
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


class Inbox:
    """What arrived since this object was made."""

    def __init__(self, standin: Settings) -> None:
        self._page = httpx.Client(base_url=standin.page_url, trust_env=False, timeout=10)
        self._authorization = {"Authorization": f"Bearer {standin.control_token}"}
        self._after = self._page.get("/messages", params={"limit": 1}).json()["total"]

    def new(self) -> list[dict[str, str]]:
        answer = self._page.get("/messages", params={"after": self._after}).json()
        self._after = answer["next"]
        return answer["items"]

    def fail_next(self, channel: str, mode: str, count: int = 1, seconds: float = 30.0) -> None:
        plan = {"channel": channel, "mode": mode, "count": count, "seconds": seconds}
        self._page.post("/control", json=plan, headers=self._authorization).raise_for_status()

    def close(self) -> None:
        self._page.close()


def send(url: str, body: str, title: str = "Alert") -> bool:
    """One notification through the real Apprise; True when it reports success."""
    client = apprise.Apprise()
    assert client.add(url), f"Apprise does not understand {url.split(':')[0]}://"
    return bool(client.notify(title=title, body=body))


def sms_url(standin: Settings, to: str = "+15551230001", *, token: str | None = None, options: str = "") -> str:
    account = standin.twilio
    return f"twilio://{account.sid}:{token or account.token}@{account.sender}/{to}?retry=0&{options}"


def push_url(standin: Settings, device: str | None = None, keyfile: str | None = None) -> str:
    device = quote(device or standin.devices[0], safe="")
    keyfile = quote(keyfile or standin.fcm.keyfile, safe="")
    return f"fcm://{standin.fcm.project}/{device}?mode=oauth2&keyfile={keyfile}&retry=0"


def mail_url(standin: Settings, to: str = "friend@example.org", *, password: str | None = None) -> str:
    mail = standin.mail
    secret = quote(password or mail.password, safe="")
    return (
        f"mailtos://{quote(mail.user, safe='')}:{secret}@{mail.host}:{mail.port}"
        f"?smtp={mail.host}&from={mail.user}&to={to}&mode=starttls&retry=0"
    )
