"""Reads the police channel's events, from where the database says, for as long as the process lives."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import NamedTuple, Protocol

from pydantic import ConfigDict

from cloud.database.engine import Database
from cloud.database.telling import alerts
from cloud.ledger.gateway.events import BlockEnd, ChannelEvent, Checkpoint
from cloud.ledger.gateway.failures import GatewayError
from contract.ids import derived_id
from contract.ledger import LedgerRecord
from police.database import entries
from police.database.entries import SeenRecord
from police.link import ChannelLink

PAUSE_S = 15.0
"""After a refusal or a fault of the database, seconds until the channel is opened again."""
UNREADABLE = "the police channel has an event that this program cannot read ({}), transaction {}; is it too old?"
log = logging.getLogger(__name__)


class Stored(LedgerRecord):
    """A record as the chaincode keeps it; it adds who wrote it, and the transaction."""

    model_config = ConfigDict(extra="ignore")


class ChannelEvents(Protocol):
    """cloud.ledger.gateway.events.EventStream."""

    def __iter__(self) -> Iterator[ChannelEvent | BlockEnd]: ...
    def close(self) -> None: ...


class EventSource(NamedTuple):
    """A source of events: `open` gives those after a checkpoint (None: all); `campus` is the site they are of."""

    campus: str
    open: Callable[[Checkpoint | None], ChannelEvents]


class Listener:
    """One thread, one stream. An entry, all that follows from it and the checkpoint behind it are one transaction: none
    is lost, and none is told twice, wherever the process dies."""

    def __init__(self, database: Database, source: EventSource, link: ChannelLink, wake: Callable[[], None]) -> None:
        """`wake`: there is something to tell."""
        self._database, self._source, self._link, self._wake = database, source, link, wake
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stream: ChannelEvents | None = None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the event at hand."""
        self._stopping.set()
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.close()
        self._thread.join()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except GatewayError as error:
                log.error("the police channel is not read: %s", error)
                self._link.refused(error.message)
            except Exception as error:
                # Nothing was committed, so the same event comes again.
                log.exception("reading the police channel failed")
                self._link.refused(f"what comes on the channel cannot be kept: {type(error).__name__}, see the log")
            self._stopping.wait(PAUSE_S)

    def _read(self) -> None:
        stream = self._source.open(self._checkpoint())
        with self._lock:
            self._stream = stream
        try:
            if self._stopping.is_set():
                return
            self._link.opened()
            for item in stream:
                self._link.reading()
                if isinstance(item, ChannelEvent) and item.name == "recorded":
                    self._keep(item)
        finally:
            stream.close()

    def _keep(self, event: ChannelEvent) -> None:
        with self._database.write() as session:
            try:
                record = Stored.model_validate_json(event.payload)
            except ValueError as error:
                # It must not keep the entries behind it from being told, and somebody has to see it.
                why = UNREADABLE.format(type(error).__name__, event.transaction)
                alerts.nobody_could_be_told(session, derived_id("event", event.transaction), None, why)
                log.error("%s", why)
            else:
                entries.add(session, SeenRecord(record, self._source.campus, event.block, event.transaction))
            entries.put_checkpoint(session, json.dumps(asdict(event.checkpoint)))
        self._wake()

    def _checkpoint(self) -> Checkpoint | None:
        with self._database.read() as session:
            text = entries.checkpoint(session)
        return None if text is None else Checkpoint(**json.loads(text))
