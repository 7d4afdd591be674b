"""One connection to the broker, from CONNECT until it is lost. All in the caller's thread.

paho's own network thread dies silently when a callback raises, and its queue forgets nothing on reconnects; here
there is no thread to die, and the outbox is the only queue.
"""

import logging
import ssl
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from appliance.sync.claim import Endpoint
from contract.errors import Unavailable
from contract.messages import MAX_MESSAGE

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 30
SESSION_DAYS = 7
IN_FLIGHT = 20
"""Publishes the broker has not acknowledged yet."""
HEADERS = 8 * 1024
"""Room for topic and properties around a payload."""


class BrokerSession:
    """`received` collects (topic, payload); whoever reads it empties it."""

    def __init__(self, endpoint: Endpoint, topics: tuple[str, ...]) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.ready = False
        self.reason = ""
        self.largest = MAX_MESSAGE
        self._endpoint, self._topics = endpoint, topics
        self._unacknowledged: set[int] = set()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=endpoint.box, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.max_queued_messages_set(IN_FLIGHT * 2)
        for name in ("on_connect", "on_disconnect", "on_subscribe", "on_publish", "on_message"):
            setattr(self._client, name, self._guarded(getattr(self, "_" + name)))

    def connect(self) -> None:
        """Connect to the broker. Raises Unavailable, in words that help whoever reads them."""
        end = self._endpoint
        try:
            context = ssl.create_default_context(cafile=str(end.ca))
            context.load_cert_chain(end.certificate, end.key)
        except (OSError, ssl.SSLError) as error:
            raise Unavailable(f"the box's certificate cannot be read: {error}", hint="claim the box again") from error
        self._client.tls_set_context(context)
        wishes = Properties(PacketTypes.CONNECT)
        wishes.SessionExpiryInterval = SESSION_DAYS * 86400
        wishes.MaximumPacketSize = MAX_MESSAGE + HEADERS
        try:
            # clean_start stays False: "first only" would throw the session away at every start of the process.
            self._client.connect(end.host, end.port, KEEP_ALIVE_S, clean_start=False, properties=wishes)
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(f"{end.host}:{end.port} is not this cloud's broker: {error.verify_message}",
                              hint="look at the address, the clock and the cloud's certificate") from error
        except (OSError, ValueError) as error:
            raise Unavailable(f"the broker at {end.host}:{end.port} cannot be reached: {error}") from error
        self.reason = "the broker has not answered yet"

    def step(self, timeout: float) -> bool:
        """Send and receive for up to `timeout` seconds; False once the connection is lost (see `reason`)."""
        result = self._client.loop(timeout)
        if result == mqtt.MQTT_ERR_SUCCESS:
            return True
        if not self.reason:
            self.reason = f"the connection was lost: {mqtt.error_string(result)}"
        self.ready = False
        return False

    def room(self) -> int:
        """Return how many more messages may be on the way."""
        return max(0, IN_FLIGHT - len(self._unacknowledged)) if self.ready else 0

    def publish(self, topic: str, data: bytes) -> None:
        """Hand over to the network, QoS 1. What comes of it is only known from the cloud's answer."""
        info = self._client.publish(topic, data, qos=1)
        if info.rc == mqtt.MQTT_ERR_SUCCESS:
            self._unacknowledged.add(info.mid)

    def close(self) -> None:
        """Say goodbye; harmless on a lost connection."""
        self._client.disconnect()
        self.ready = False

    def _guarded(self, callback: Any) -> Any:
        def call(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception:
                log.exception("handling a packet of the broker failed")
        return call

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            self.reason = f"the broker refused this box: {code} (was it revoked?)"
            return
        allowed = getattr(properties, "MaximumPacketSize", None)
        self.largest = min(MAX_MESSAGE, allowed - HEADERS) if allowed else MAX_MESSAGE
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._topics])

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, codes: list[Any], _properties: Any) -> None:
        refused = [topic for topic, code in zip(self._topics, codes, strict=False) if code.is_failure]
        if refused:
            self.reason = f"the broker does not let this box read {', '.join(refused)}"
            return
        self.ready, self.reason = True, ""

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, code: Any, _properties: Any) -> None:
        if self.ready or not self.reason.startswith("the broker refused"):
            who = "the broker ended the connection" if flags.is_disconnect_packet_from_server else \
                "the connection was lost"
            self.reason = f"{who}: {code}" if self.ready else f"{who} before it was usable: {code}"
        self.ready = False

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: Any, _properties: Any) -> None:
        self._unacknowledged.discard(mid)
        if code.is_failure:
            log.warning("the broker refused a message: %s", code)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.received.append((message.topic, bytes(message.payload)))
