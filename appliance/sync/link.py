"""The connection to the cloud: one thread that connects, sends what is due, takes receipts and pulls changes."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from appliance.sync.claim import Endpoint
from appliance.sync.inbox import Inbox
from appliance.sync.ports import Memory
from appliance.sync.session import BrokerSession
from contract.errors import SentryboxError, Unavailable
from contract.events import Event
from contract.messages import Changes, Latest, Pull, Receipt, Status, encode
from contract.moments import now as instant_now

log = logging.getLogger(__name__)

TICK_S = 0.1
CHECK_S = 1.0
"""How often the outbox is looked at when nothing woke us: for rows whose pause is over."""
PULL_S, PULL_AGAIN_S = 30.0, 5.0
STATUS_S = 15.0
SILENCE_S = 75.0
"""The broker answers but the cloud has not for so long: that is not a connection."""
ON_THE_WAY = 64
"""Messages sent in the last AIR_S seconds and not confirmed. A cloud that is down is not flooded."""
AIR_S = 10.0
PATIENCE_S = 3.0
"""After connecting records wait so long for the cloud's first answer: what is sent before it listens may be lost."""
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)


class Link:
    """`packs` and `cameras` are asked for every heartbeat: model packs in use, camera id -> state."""

    def __init__(self, memory: Memory, endpoint: Endpoint, *, version: str,
                 packs: Callable[[], tuple[str, ...]] = tuple,
                 cameras: Callable[[], Mapping[str, str]] = dict) -> None:
        self._memory, self._endpoint = memory, endpoint
        self._version, self._packs, self._cameras = version, packs, cameras
        self._inbox = Inbox(endpoint.box)
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._state_lock = threading.Lock()
        self._connected, self._reason, self._since = False, "not started", instant_now()
        self._on_the_way: dict[str, float] = {}
        self._due_at = {"pull": 0.0, "status": 0.0, "check": 0.0}
        self._heard_at = 0.0
        self._unanswered, self._offer_from = 0, 0.0

    def start(self) -> None:
        """Connect, and stay connected, in a thread of its own."""
        if self._thread is not None:
            return
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="cloud-link", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Say goodbye and end the thread; harmless when repeated."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None
        self._note(False, "stopped")

    def state(self) -> dict[str, Any]:
        """Return {connected, reason, since, waiting}: what a person wants to know."""
        with self._state_lock:
            known = {"connected": self._connected, "reason": self._reason, "since": self._since}
        return {**known, "waiting": self._memory.outbox.waiting()}

    def dropped(self) -> dict[str, int]:
        """Return the messages of the cloud that were not used, by kind."""
        return dict(self._inbox.dropped)

    def _run(self) -> None:
        end = self._memory.subscribe(self._on_event)
        failures = 0
        try:
            while not self._stop.is_set():
                started = time.monotonic()
                try:
                    self._visit()
                except SentryboxError as error:
                    self._note(False, str(error))
                except Exception as error:
                    # Whatever went wrong, the next attempt starts from nothing but the store.
                    log.exception("the cloud connection failed")
                    self._note(False, f"an error in this program: {error}")
                failures = 0 if time.monotonic() - started > 60 else failures + 1
                pause = PAUSES_S[min(failures, len(PAUSES_S)) - 1] if failures else PAUSES_S[0]
                self._stop.wait(pause * random.uniform(0.7, 1.0))  # noqa: S311 - spreads boxes, guards nothing
        finally:
            end()

    def _on_event(self, event: Event) -> None:
        if event == Event("sync", "outbox"):
            self._wake.set()

    def _visit(self) -> None:
        """One connection, from start to loss."""
        session = BrokerSession(self._endpoint, self._inbox.topics)
        session.connect()
        greeted = False
        try:
            while session.step(TICK_S) and not self._stop.is_set():
                if session.ready and not greeted:
                    greeted = True
                    self._greet()
                if greeted:
                    self._round(session)
        finally:
            session.close()
        if not self._stop.is_set():
            raise Unavailable(session.reason)

    def _greet(self) -> None:
        """Everything is asked and offered at once after a break."""
        self._memory.outbox.hurry()
        self._on_the_way.clear()
        self._due_at = dict.fromkeys(self._due_at, 0.0)
        self._heard_at, self._unanswered = time.monotonic(), 0
        self._offer_from = self._heard_at + PATIENCE_S
        self._wake.set()
        self._note(True, "")

    def _round(self, session: BrokerSession) -> None:
        now = time.monotonic()
        self._take(session, now)
        look = self._is_due("check", now, CHECK_S)
        if look and self._memory.feed.wants_resync():
            self._memory.feed.resync()
            self._due_at["pull"] = 0.0
        if self._is_due("pull", now, PULL_AGAIN_S):
            self._unanswered += 1
            self._send(session, "pull", Pull(cursor=self._memory.feed.cursor()))
        if self._is_due("status", now, STATUS_S):
            self._beat(session)
        if look or self._wake.is_set():
            self._offer(session, now)
        silent = now - self._heard_at > SILENCE_S
        self._note(not silent, "the broker answers, but the cloud behind it does not" if silent else "")

    def _is_due(self, what: str, now: float, again: float) -> bool:
        if now < self._due_at[what]:
            return False
        self._due_at[what] = now + again
        return True

    def _send(self, session: BrokerSession, topic: str, message: Pull | Status) -> None:
        session.publish(f"up/{self._endpoint.box}/{topic}", encode(message))

    def _beat(self, session: BrokerSession) -> None:
        try:
            self._send(session, "status", self._status())
        except (SentryboxError, ValueError) as error:
            # A camera with an odd name must not keep incidents from the cloud.
            log.error("no heartbeat: %s", error)

    def _status(self) -> Status:
        counts = self._memory.counts()
        return Status(at=instant_now(), version=self._version, packs=self._packs(), cursor=counts["cursor"],
                      waiting=counts["outbox_waiting"], profiles=counts["profiles"],
                      profiles_digest=self._memory.profiles.digest(), cameras=dict(self._cameras()))

    def _offer(self, session: BrokerSession, now: float) -> None:
        """Send what is due, as far as there is room."""
        self._wake.clear()
        self._on_the_way = {row: at for row, at in self._on_the_way.items() if now - at < AIR_S}
        room = min(session.room(), ON_THE_WAY - len(self._on_the_way))
        if room <= 0 or now < self._offer_from:
            return
        parcels = self._memory.outbox.due(room)
        fitting = [parcel for parcel in parcels if len(parcel.data) <= session.largest]
        for parcel in parcels:
            if len(parcel.data) > session.largest:
                self._memory.outbox.park(parcel.id, f"a message of {len(parcel.data)} bytes is over the broker's "
                                         f"limit of {session.largest}")
        if not fitting:
            return
        # Marked before they go: should marking fail, they must not go again and again.
        self._memory.outbox.sent(fitting)
        for parcel in fitting:
            session.publish(f"up/{self._endpoint.box}/record", parcel.data)
            self._on_the_way[parcel.id] = now
        if len(parcels) == room:
            self._wake.set()

    def _take(self, session: BrokerSession, now: float) -> None:
        """Use what came in; receipts together in one transaction."""
        received, session.received[:] = list(session.received), []
        receipts: list[Receipt] = []
        for topic, data in received:
            message = self._inbox.read(topic, data)
            if isinstance(message, Receipt):
                receipts.append(message)
            elif isinstance(message, Changes):
                self._heard_at = now
                self._apply(message, now)
            elif isinstance(message, Latest):
                feed = self._memory.feed
                if message.revision != feed.cursor() or message.epoch != feed.epoch():
                    self._due_at["pull"] = 0.0
        if receipts:
            self._heard_at = now
            news = self._memory.outbox.receipts(receipts)
            if news < len(receipts):
                self._inbox.dropped["repeated"] += len(receipts) - news
            if any(receipt.epoch != self._memory.feed.epoch() for receipt in receipts):
                self._due_at["pull"] = 0.0
            for receipt in receipts:
                self._on_the_way.pop(receipt.id, None)
            self._wake.set()

    def _apply(self, changes: Changes, now: float) -> None:
        if self._unanswered > 1:
            # The cloud is back, or has come to the broker after us: what it was sent meanwhile may be lost.
            self._memory.outbox.hurry()
            self._on_the_way.clear()
            self._wake.set()
        self._unanswered, self._offer_from = 0, 0.0
        result = self._memory.feed.apply(changes)
        if result == "applied":
            self._due_at["pull"] = now + PULL_S if changes.through >= changes.latest else 0.0
            return
        if result == "stale":
            self._inbox.dropped["repeated"] += 1
        self._due_at["pull"] = 0.0 if result == "restart" else min(self._due_at["pull"], now + 1.0)

    def _note(self, connected: bool, reason: str) -> None:
        with self._state_lock:
            if (connected, reason) == (self._connected, self._reason):
                return
            self._connected, self._reason, self._since = connected, reason, instant_now()
        log.info("cloud connection: %s", reason or "connected")
        self._memory.announce(Event("sync", "link"))
