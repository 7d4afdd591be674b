"""A stand-in process for the whole module, and an environment that leads client libraries to it."""

import os
from collections.abc import Iterator

import pytest

from demo.standin import settings
from demo.standin.settings import Settings
from tests.support.standin import Inbox, start, stop


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("standin")
    process = start(home)
    yield settings.read(home)
    stop(process)


@pytest.fixture
def inbox(standin: Settings) -> Iterator[Inbox]:
    inbox = Inbox(standin)
    yield inbox
    for channel in ("twilio", "oauth", "fcm", "smtp"):
        inbox.fail_next(channel, "500", count=0)
    inbox.close()


@pytest.fixture
def led(standin: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a process whose client libraries are led to the stand-in."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in standin.environment().items():
        monkeypatch.setenv(name, value)
