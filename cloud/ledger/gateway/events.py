"""Chaincode events of a channel, each once and in order, across reconnects, fail-over and restarts of the reader."""

import logging
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc

from cloud.ledger.gateway.blocks import genesis_hash
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import Identity

# Between two attempts to open the stream, doubled up to the second figure: a dropped stream keeps its place among those
# that a peer serves until the channel's next block, so hasty repeats could use up all of them.
PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """Up to where events were handled: all before `block`, and in it those up to `transaction` ("": none of it).
    genesis: of the channel that it belongs to, blocks.genesis_hash()."""

    genesis: str
    block: int
    transaction: str = ""


@dataclass(frozen=True)
class ChannelEvent:
    """An event that a valid transaction announced. Store `checkpoint` once it is handled."""

    block: int
    transaction: str
    name: str
    payload: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True)
class BlockEnd:
    """All events of that block were given. Store `checkpoint` once they are handled."""

    block: int
    checkpoint: Checkpoint


class EventStream:
    """All events of a chaincode after a checkpoint (None: from the first block on), as ChannelEvent and BlockEnd.

    Keep one stream per channel. It never ends by itself; one thread reads, close() may come from any other and ends it.

    It waits for a peer as long as it takes, and raises GatewayError when waiting cannot help: not allowed, no such
    channel, or the channel is not the one of the checkpoint (FAILED_PRECONDITION).
    """

    def __init__(self, gateway: Gateway, identity: Identity, channel: str, chaincode: str,
                 checkpoint: Checkpoint | None) -> None:
        self._gateway, self._identity, self._channel, self._chaincode = gateway, identity, channel, chaincode
        self._at = checkpoint
        self._closed = threading.Event()
        self._call: Any = None
        self._items = self._read()

    def __iter__(self) -> "EventStream":
        return self

    def __next__(self) -> ChannelEvent | BlockEnd:
        return next(self._items)

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the stream; a reader that waits in next() gets StopIteration."""
        self._closed.set()
        if self._call is not None:
            self._call.cancel()

    def _read(self) -> Iterator[ChannelEvent | BlockEnd]:
        pause = PAUSE_S
        while not self._closed.is_set():
            peer = self._gateway.one_by_one()[0]
            try:
                self._at = self._pinned(peer)
                for item in self._from(peer, self._at):
                    self._at, pause = item.checkpoint, PAUSE_S
                    yield item
                failure = GatewayError("events", "", grpc.StatusCode.UNAVAILABLE, "the peer ended the stream")
                peer.failed()
            except grpc.RpcError as error:
                failure = GatewayError.of("events", "", error)
                peer.failed()
            except GatewayError as error:
                failure = error
            if self._closed.is_set():
                return
            if not failure.retry:
                raise failure
            log.warning("events of channel %s: %s; again in %.1f s", self._channel, failure, pause)
            self._closed.wait(pause * random.uniform(0.5, 1))  # noqa: S311  only spreads the load
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _pinned(self, peer: Gateway) -> Checkpoint:
        """Return where to go on; refuse a peer whose channel began otherwise, since its block numbers mean nothing to
        us.
        """
        genesis = genesis_hash(peer, self._identity, self._channel)
        if self._at is None:
            return Checkpoint(genesis, 0)
        if self._at.genesis != genesis:
            raise GatewayError(
                "events", "", grpc.StatusCode.FAILED_PRECONDITION,
                f"channel {self._channel} is not the one that was read before: its genesis block is {genesis}, the "
                f"checkpoint's {self._at.genesis}; was the ledger set up anew? Events before block {self._at.block} "
                f"would be skipped, so nothing is read until the checkpoint is removed")
        return self._at

    def _from(self, peer: Gateway, at: Checkpoint) -> Iterator[ChannelEvent | BlockEnd]:
        # The peer could skip the handled transactions itself, but is silent for ever when it does not know the id.
        handled, sought = at.transaction, at.block
        self._call = peer.open_events(self._identity, self._channel, self._chaincode, at.block)
        if self._closed.is_set():
            self._call.cancel()
        for answer in self._call:
            number, found = answer.block_number, list(answer.events)
            if handled:
                places = [place for place, event in enumerate(found) if event.tx_id == handled]
                if number != sought or not places:
                    raise GatewayError("events", handled, grpc.StatusCode.FAILED_PRECONDITION,
                                       f"the checkpoint names transaction {handled}, of which block {sought} of "
                                       f"channel {self._channel} has no event of chaincode {self._chaincode}")
                found, handled = found[places[-1] + 1:], ""
            for event in found:
                yield ChannelEvent(number, event.tx_id, event.event_name, event.payload,
                                   Checkpoint(at.genesis, number, event.tx_id))
            yield BlockEnd(number, Checkpoint(at.genesis, number + 1))
