"""The subscription: MQTT 5 over TLS, each message acknowledged only after its effect is committed."""

import logging
import ssl
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from prometheus_client import Counter

from cloud.database.engine import Database
from cloud.ingest.bodies import Setting
from cloud.ingest.down import Downlink
from cloud.ingest.intake import take
from contract.errors import Rejected, SentryboxError
from contract.messages import Latest, encode
from contract.model import Model

log = logging.getLogger(__name__)

TOPICS = ("record", "pull", "status")
AT_ONCE = 50
"""Messages that the broker may hand over before the first is acknowledged."""
KEEPALIVE_S = 30
LOOK_S = 0.5
"""Seconds between looks for revisions that another process made."""
ALL_AGAIN = 120
"""Looks after which every box is told its newest revision again, whatever was told before."""
MESSAGES = Counter(
    "sentrybox_ingest_messages_total", "Messages from boxes by what became of them", ["topic", "result"]
)


class BrokerLink(NamedTuple):
    """The broker's address, and how the cloud proves who it is (PEM files)."""

    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path


class Ingest:
    """Starts with start(), ends with stop(). Any number may run at a time: the subscription is shared, the session
    clean, for what a dead member was sent the boxes send again."""

    def __init__(
        self, database: Database, setting: Setting, link: BrokerLink, wake: Callable[[], None]
    ) -> None:
        """`wake` is called after each commit, so that a worker in this process need not poll."""
        self._database, self._setting, self._link, self._wake = database, setting, link, wake
        self._downlink = Downlink(database)
        self._told: dict[str, Latest] = {}
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._client = self._new_client()
        self._watch = threading.Thread(target=self._watch_revisions, name="ingest-revisions", daemon=True)

    def start(self) -> None:
        """Connect in the background, for as long as it takes."""
        self._client.loop_start()
        self._watch.start()

    def stop(self) -> None:
        """Finish the message at hand and disconnect."""
        self._stopping.set()
        self._changed.set()
        self._watch.join()
        self._client.disconnect()
        self._client.loop_stop()

    def connected(self) -> bool:
        """Return whether messages can come in."""
        return self._client.is_connected() and self._alive()

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"cloud-ingest-{uuid.uuid4().hex[:12]}",
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        context = ssl.create_default_context(cafile=str(self._link.ca))
        context.load_cert_chain(self._link.certificate, self._link.key)
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 30)
        client.max_queued_messages_set(1000)
        client.on_connect, client.on_disconnect, client.on_message = (
            self._connected,
            self._lost,
            self._arrived,
        )
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = AT_ONCE
        client.connect_async(
            self._link.host, self._link.port, KEEPALIVE_S, clean_start=True, properties=properties
        )
        return client

    def _alive(self) -> bool:
        # paho has no public way to ask whether its thread lives, and is_connected() stays true when it has died.
        thread = self._client._thread
        return thread is not None and thread.is_alive()

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("the broker %s:%d refused the connection: %s", self._link.host, self._link.port, reason)
            return
        log.info("connected to the broker %s:%d", self._link.host, self._link.port)
        client.subscribe([(f"$share/ingest/up/+/{topic}", 1) for topic in TOPICS])
        self._told = {}
        self._changed.set()

    def _lost(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self._stopping.is_set():
            log.warning("the broker %s:%d is lost: %s", self._link.host, self._link.port, reason)

    def _arrived(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        topic = "unknown"
        try:
            _, box, topic = message.topic.split("/")
            result = self._handle(box, topic, bytes(message.payload))
        except Rejected as error:
            log.warning("a message on %s was refused: %s", message.topic, error)
            result = "unreadable"
        except Exception:
            # Whatever it was, it must not end paho's thread. There was no receipt, so the box sends it again.
            log.exception("a message on %s failed", message.topic)
            result = "failed"
        MESSAGES.labels(topic, result).inc()
        client.ack(message.mid, message.qos)

    def _handle(self, box: str, topic: str, payload: bytes) -> str:
        if topic == "record":
            taken = take(self._database, self._setting, box, payload)
            if taken.receipt is not None:
                self._publish(f"down/{box}/receipt", taken.receipt)
                self._changed.set()
                self._wake()
            return taken.result
        answer: Model | None
        if topic == "pull":
            answer = self._downlink.pull(box, payload)
            if answer is not None:
                self._publish(f"down/{box}/changes", answer)
            return "refused" if answer is None else "answered"
        if topic == "status":
            answer = self._downlink.status(box, payload)
            if answer is not None:
                self._publish(f"down/{box}/latest", answer, retain=True)
            return "noted"
        raise Rejected(f"there is no topic {topic}")

    def _publish(self, topic: str, message: Model, *, retain: bool = False) -> None:
        # Nothing is queued for a broker that is away: the box asks, or sends, again.
        if self._client.is_connected():
            self._client.publish(topic, encode(message), qos=1, retain=retain)

    def _watch_revisions(self) -> None:
        looks = 0
        while not self._stopping.is_set():
            self._changed.wait(LOOK_S)
            self._changed.clear()
            looks += 1
            try:
                self._tell_latest(all_again=looks % ALL_AGAIN == 0)
                if not self._alive() and not self._stopping.is_set():
                    log.error("the broker connection's thread has died: starting a new one")
                    self._client = self._new_client()
                    self._client.loop_start()
            except SentryboxError as error:
                log.warning("boxes were not told of new revisions: %s", error)
            except Exception:
                log.exception("looking for new revisions failed")

    def _tell_latest(self, *, all_again: bool) -> None:
        if not self._client.is_connected():
            return
        for box, latest in self._downlink.latest().items():
            if all_again or self._told.get(box) != latest:
                self._publish(f"down/{box}/latest", latest, retain=True)
                self._told[box] = latest
