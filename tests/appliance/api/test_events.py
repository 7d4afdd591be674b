"""Server-sent events."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from appliance.api import events
from appliance.api.events import QUEUE, Hub
from contract.events import Event
from tests.appliance.api.conftest import House
from tests.appliance.api.serve import serving
from web.problems import Problem


def read_events(answer: httpx.Response) -> Iterator[tuple[str, dict]]:
    topic = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            topic = line.removeprefix("event: ")
        if line.startswith("data: "):
            yield topic, json.loads(line.removeprefix("data: "))


def stream(house: House, address: str, role: str):
    headers = {"Authorization": f"Bearer {house.tokens[role]}"}
    return httpx.stream("GET", f"{address}/events", headers=headers, timeout=20)


def test_a_commit_is_heard_at_once(house: House):
    with serving(house.app) as address, stream(house, address, "guard") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        heard = read_events(answer)
        assert next(heard) == ("hello", {})
        incident = house.incident()["incident"]["id"]
        assert next(e for e in heard if e[0] == "incident") == ("incident", {"id": incident})


def test_police_hears_of_incidents_only(house: House):
    with serving(house.app) as address, stream(house, address, "police") as answer:
        heard = read_events(answer)
        next(heard)
        house.enrol("Ada")
        house.store.announce(Event("camera", "gate"))
        incident = house.incident()["incident"]["id"]
        assert next(heard) == ("incident", {"id": incident})


def test_the_stream_ends_when_the_session_does(house: House, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    house.store.accounts.create("grace", "a long password", "guard")
    session = house.store.accounts.log_in("grace", "a long password")
    with serving(house.app) as address, httpx.stream(
            "GET", f"{address}/events", cookies={"sentrybox_box_session": session}, timeout=20) as answer:
        lines = answer.iter_lines()
        next(lines)
        house.store.accounts.log_out(session)
        assert list(lines)[-1] in ("", ": still here")


def test_the_stream_ends_within_a_second_or_so_when_the_account_does(house: House):
    for name, role in (("ada", "admin"), ("grace", "guard")):
        house.store.accounts.create(name, "a long password", role)
    session = house.store.accounts.log_in("grace", "a long password")
    with serving(house.app) as address, httpx.stream(
            "GET", f"{address}/events", cookies={"sentrybox_box_session": session}, timeout=20) as answer:
        lines = answer.iter_lines()
        next(lines)
        house.store.accounts.end("grace")
        ended = time.monotonic()
        assert not [line for line in lines if "still here" in line], "it did not wait for a heartbeat"
        assert time.monotonic() - ended < 5, "a second, and what a busy machine adds"


def test_what_happens_after_the_end_of_a_token_is_not_told(house: House, monkeypatch):
    monkeypatch.setattr("appliance.api.lasting.RECHECK_S", 0.0)
    with serving(house.app) as address, stream(house, address, "guard") as answer:
        heard = read_events(answer)
        next(heard)
        house.store.accounts.revoke_tokens("guard token")
        house.store.announce(Event("camera", "gate"))
        assert list(heard) == []


class Bus:
    """Counts who listens."""

    def __init__(self) -> None:
        self.listeners: list = []

    def subscribe(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def publish(self, *items: Event) -> None:
        for listener in list(self.listeners):
            for event in items:
                listener(event)


def test_the_store_is_asked_only_while_somebody_listens():
    async def run() -> None:
        bus = Bus()
        hub = Hub(bus.subscribe)
        assert bus.listeners == []
        with hub.listen(None) as one, hub.listen(frozenset({"camera"})) as two:
            assert len(bus.listeners) == 1
            thread = threading.Thread(target=bus.publish, args=(Event("incident", "a"), Event("camera", "b")))
            thread.start()
            thread.join()
            assert [await one.get(), await one.get()] == [Event("incident", "a"), Event("camera", "b")]
            assert await two.get() == Event("camera", "b") and two.empty()
        assert bus.listeners == []

    asyncio.run(run())


def test_a_slow_listener_is_told_that_it_missed_something():
    async def run() -> None:
        bus = Bus()
        with Hub(bus.subscribe).listen(None) as queue:
            bus.publish(*(Event("incident", str(i)) for i in range(QUEUE + 1)))
            await asyncio.sleep(0)
            assert queue.get_nowait() is None and queue.empty()
            bus.publish(Event("incident", "after"))
            await asyncio.sleep(0)
            assert queue.get_nowait() == Event("incident", "after")

    asyncio.run(run())


def test_listeners_are_bounded(monkeypatch):
    monkeypatch.setattr(events, "MAX_LISTENERS", 1)

    async def run() -> None:
        hub = Hub(Bus().subscribe)
        with hub.listen(None), pytest.raises(Problem) as caught, hub.listen(None):
            pass
        assert caught.value.status == 503

    asyncio.run(run())
