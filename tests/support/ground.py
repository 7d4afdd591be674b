"""What the shared suite of the ledger stands on: a Fabric network, real or stood in for, seen in the same way."""

import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Protocol, TypeVar

from cloud.ledger.fabric import commands, health, processes, programs, settings
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.client import Commit, Endorsed, Gateway
from cloud.ledger.gateway.events import BlockEnd, ChannelEvent, Checkpoint, EventStream
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.profile import ConnectionProfile

PARTS = ("orderer", "peer-campus", "peer-police", "chaincode-campus", "chaincode-police")
CHAINCODE = "sentrybox"
# A restarted orderer needs an election, peers reconnect to it with a back-off of up to 2 s; this machine may be busy.
SETTLE_S = 60
Answer = TypeVar("Answer")


class Ground(Protocol):
    """A running network of the organisations campus, campussec and police with the channels general and police.

    name: "standin" or "fabric". home: organisations/, roots/ and profiles/, as cloud.ledger.fabric lays them out.
    """

    name: str
    home: Path

    def profile(self, org: str) -> Path:
        """The connection profile of "campus" or "police"."""

    def identity(self, org: str, user: str) -> Identity:
        """A user of an organisation."""

    def kill(self, part: str) -> None:
        """SIGKILL to one of PARTS; it is dead when this returns."""

    def start(self, part: str) -> None:
        """Starts a killed part; it serves when this returns."""

    def files(self) -> list[Path]:
        """The files that hold the blocks."""


class Client:
    """One member on one channel."""

    def __init__(self, ground: Ground, org: str, user: str, channel: str, peers: tuple[str, ...] = ()) -> None:
        """peers: MSP ids to use; none: all of the organisation's profile."""
        profile = ConnectionProfile.read(ground.profile("police" if org == "police" else "campus"))
        if peers:
            profile = profile.model_copy(update={"peers": tuple(p for p in profile.peers if p.mspid in peers)})
        self.gateway: Gateway = profile.gateway()
        self.identity = ground.identity(org, user)
        self.channel = channel

    def evaluate(self, function: str, *args: str, **options: float) -> bytes:
        return self.gateway.evaluate(self.identity, self.channel, CHAINCODE, function, *args, **options)

    def endorse(self, function: str, *args: str, organisations: tuple[str, ...] = ()) -> Endorsed:
        return self.gateway.endorse(self.identity, self.channel, CHAINCODE, function, *args,
                                    organisations=organisations)

    def submit(self, endorsed: Endorsed) -> None:
        self.gateway.submit(self.channel, endorsed.transaction, endorsed.envelope)

    def status(self, endorsed: Endorsed, timeout_s: float = 10) -> Commit:
        return self.gateway.commit_status(self.identity, self.channel, endorsed.transaction, timeout_s)

    def settle(self, endorsed: Endorsed, wait_s: float = SETTLE_S) -> Commit:
        return self.gateway.settle(self.identity, self.channel, endorsed.transaction, endorsed.envelope, wait_s)

    def write(self, function: str, *args: str) -> tuple[Endorsed, Commit]:
        endorsed = self.endorse(function, *args)
        return endorsed, self.settle(endorsed)

    def chain(self) -> list[blocks.Block]:
        height = blocks.chain_info(self.gateway, self.identity, self.channel).height
        return [blocks.block(self.gateway, self.identity, self.channel, number) for number in range(height)]

    def valid(self, since: int = 0) -> list[str]:
        """Ids of the valid transactions in block order, from block `since` on."""
        return [transaction for block in self.chain()[since:]
                for transaction, code in zip(block.transactions, block.codes, strict=True) if code == 0]

    def newest(self) -> Checkpoint:
        """Where a listener stands who has seen everything so far."""
        return Checkpoint(blocks.genesis_hash(self.gateway, self.identity, self.channel),
                          blocks.chain_info(self.gateway, self.identity, self.channel).height)


class Listener:
    """Reads a channel's events in a thread; each may be awaited with a bound."""

    def __init__(self, client: Client, checkpoint: Checkpoint | None) -> None:
        self._stream = EventStream(client.gateway, client.identity, client.channel, CHAINCODE, checkpoint)
        self._items: queue.SimpleQueue[ChannelEvent | BlockEnd | Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def take(self, wait_s: float = SETTLE_S) -> ChannelEvent | BlockEnd:
        """The next item; raises what the stream raises, StopIteration at its end, queue.Empty after wait_s."""
        item = self._items.get(timeout=wait_s)
        if isinstance(item, Exception):
            raise item
        if item is None:
            raise StopIteration
        return item

    def until(self, *transactions: str) -> list[ChannelEvent | BlockEnd]:
        """Everything up to the end of the block in which the last of these transactions is seen."""
        missing, items = set(transactions), []
        while missing or not isinstance(items[-1], BlockEnd):
            items.append(self.take())
            if isinstance(items[-1], ChannelEvent):
                missing.discard(items[-1].transaction)
        return items

    def close(self) -> None:
        """Ends the stream, and shows that its reader comes back."""
        self._stream.close()
        self._thread.join(10)  # longer than any call of the reader's
        assert not self._thread.is_alive()

    def _read(self) -> None:
        try:
            for item in self._stream:
                self._items.put(item)
            self._items.put(None)
        except Exception as error:
            self._items.put(error)


@contextmanager
def killed(ground: Ground, part: str) -> Iterator[Callable[[], None]]:
    """Without that part; it is started again at the end, or when the given function is called."""
    ground.kill(part)
    back = threading.Event()

    def restart() -> None:
        if not back.is_set():
            ground.start(part)
            back.set()

    try:
        yield restart
    finally:
        restart()


@contextmanager
def hung(ground: Ground, part: str) -> Iterator[None]:
    """With that part there and silent: its connections stay open, nothing comes."""
    if ground.name == "standin" and part == "orderer":
        ground.orderer.hanging = True
        try:
            yield
        finally:
            ground.orderer.hanging = False
        return
    pid = ground.pid(part) if ground.name == "standin" else processes.find(ground.home, part).pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def under_wrong_id(ground: Ground, part: str) -> Iterator[None]:
    """With that chaincode process registering itself under a package id that nobody approved."""
    wrong = "sentrybox_1:" + "0" * 64
    with killed(ground, part):
        if ground.name == "standin":
            ground.start(part, package_id=wrong)
        else:
            at = settings.load(ground.home)
            right = commands.command(at, part, programs.require())
            processes.launch(ground.home, part, right._replace(
                environment={**right.environment, "CHAINCODE_ID": wrong}), at.log(part))
            health.wait_serving(at, part)
        try:
            yield
        finally:
            ground.kill(part)


def new_record(severity: str = "high") -> tuple[str, str, str, str]:
    """Arguments of Record that nobody used before."""
    return str(uuid.uuid4()), token_hex(32), "1", severity


def patiently(call: Callable[[], Answer]) -> Answer:
    """The answer to a call that may be tried again as it is, within SETTLE_S."""
    end = time.monotonic() + SETTLE_S
    while True:
        try:
            return call()
        except GatewayError as error:
            if not error.retry or time.monotonic() > end:
                raise
            time.sleep(0.2)
