"""A real broker, a store and a cloud that is only as clever as a test needs."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.store.store import Store, open_store
from appliance.sync.claim import Endpoint
from appliance.sync.link import Link
from contract.ids import new_id
from contract.messages import Change, Changes, Pull, Receipt, Status, Up, check_up, decode, encode
from tests.support.broker import Broker, start_broker

BOX = "box-a"


class PlainCloud:
    """Keeps what arrives, confirms it, serves changes from a list. `answer` may be replaced by a test."""

    def __init__(self, broker: Broker) -> None:
        self.ups: list[Up] = []
        self.statuses: list[Status] = []
        self.pulls: list[Pull] = []
        self.changes: list[Any] = []
        self.epoch = new_id()
        self.confirms = True
        self.answers = True
        self.answer: Callable[[Up], None] = self.confirm
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="cloud", protocol=mqtt.MQTTv5)
        self._client.tls_set_context(broker.tls("cloud"))
        self._client.on_connect = lambda client, *_: client.subscribe("up/#", qos=1)
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        match message.topic.split("/")[-1]:
            case "record":
                up = decode(Up, message.payload)
                check_up(up)
                self.ups.append(up)
                if self.confirms:
                    self.answer(up)
            case "pull":
                self.pulls.append(decode(Pull, message.payload))
                if self.answers:
                    self.serve(self.pulls[-1].cursor, self.pulls[-1].limit)
            case "status":
                self.statuses.append(decode(Status, message.payload))

    def confirm(self, up: Up, **other: Any) -> None:
        self.send("receipt", encode(Receipt(**{"id": up.id, "hash": up.hash, "epoch": self.epoch, **other})))

    def serve(self, after: int, limit: int = 50) -> None:
        part = self.changes[after:after + limit]
        self.send("changes", encode(Changes(
            epoch=self.epoch, after=after, through=after + len(part), latest=len(self.changes),
            changes=tuple(Change(revision=after + n, body=body) for n, body in enumerate(part, 1)))))

    def send(self, kind: str, data: bytes, *, retain: bool = False) -> None:
        self._client.publish(f"down/{BOX}/{kind}", data, qos=1, retain=retain)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = start_broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def cloud(broker: Broker) -> Iterator[PlainCloud]:
    made = PlainCloud(broker)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "home", box=BOX, key=Ed25519PrivateKey.generate())
    yield made
    made.close()


@pytest.fixture
def make_link(broker: Broker, store: Store) -> Iterator[Callable[..., Link]]:
    links: list[Link] = []

    def make(name: str = BOX, **other: Any) -> Link:
        certificate, key = broker.issue(name)
        end = Endpoint(**{"box": BOX, "site": "", "host": "127.0.0.1", "port": broker.port, "ca": broker.ca,
                          "certificate": certificate, "key": key, **other})
        link = Link(store, end, version="1.0", packs=lambda: ("open-1",), cameras=lambda: {"gate": "live"})
        links.append(link)
        link.start()
        return link

    yield make
    for link in links:
        link.stop()


def wait_until(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Fails, rather than hangs, when it does not come true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., None]:
    return wait_until
