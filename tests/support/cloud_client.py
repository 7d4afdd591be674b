"""A box's MQTT connection for tests: sends messages and waits for what comes down."""

import queue
import ssl
import threading
from pathlib import Path

import paho.mqtt.client as mqtt

from contract.messages import Changes, Latest, Receipt, decode, encode
from contract.model import Model

KINDS = {"receipt": Receipt, "changes": Changes, "latest": Latest}
WAIT_S = 20


class BoxClient:
    """Connected when the constructor returns."""

    def __init__(
        self, name: str, port: int, ca: Path, certificate: Path, key: Path, patience: float = WAIT_S
    ) -> None:
        self.name = name
        self.inboxes: dict[str, queue.Queue] = {kind: queue.Queue() for kind in KINDS}
        self.refusals: queue.Queue = queue.Queue()
        ready = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(certificate, key)
        self._client.tls_set_context(context)
        self._client.on_connect = lambda client, *_: client.subscribe(f"down/{name}/#", qos=1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = self._arrived
        self._client.on_publish = lambda _c, _d, _m, reason, _p: (
            reason.is_failure and self.refusals.put(str(reason))
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not ready.wait(patience):
            self.stop()
            raise ConnectionRefusedError("the broker did not let the box subscribe")

    def send(self, message: Model | bytes, topic: str = "record", box: str | None = None) -> None:
        payload = message if isinstance(message, bytes) else encode(message)
        self._client.publish(f"up/{box or self.name}/{topic}", payload, qos=1)

    def next(self, kind: str, timeout: float = WAIT_S) -> Model:
        return self.inboxes[kind].get(timeout=timeout)

    def receipts(self, count: int) -> dict[str, Receipt]:
        """The next `count` receipts by message id."""
        found = [self.next("receipt") for _ in range(count)]
        return {receipt.id: receipt for receipt in found}

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _arrived(self, _client, _data, message: mqtt.MQTTMessage) -> None:
        kind = message.topic.rsplit("/", 1)[1]
        self.inboxes[kind].put(decode(KINDS[kind], message.payload))
