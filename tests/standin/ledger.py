"""A channel's ledger at one peer: blocks in a file, an index of transactions, the state."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fabric_protos.common.common_pb2 import (
    ENDORSER_TRANSACTION,
    TRANSACTIONS_FILTER,
    Block,
    ChannelHeader,
    Envelope,
    Payload,
)
from fabric_protos.peer.transaction_pb2 import VALID

from tests.standin import crypto
from tests.standin.state import Change, State, Value
from tests.standin.transaction import Endorsed, read_endorsed

LENGTH_BYTES = 8


class Place(NamedTuple):
    block: int
    position: int
    code: int


class Ledger:
    """Blocks are appended by one thread; everything else may be called from any. Opening one replays its file."""

    def __init__(self, path: Path, genesis_state: State) -> None:
        self.path = path
        self.blocks: list[Block] = []
        self.state = genesis_state
        self._by_hash: dict[bytes, int] = {}
        self._places: dict[str, Place] = {}
        self._grown = threading.Condition()
        self._closed = False
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for block in read_blocks(path):
                self._take(block)

    @property
    def height(self) -> int:
        return len(self.blocks)

    def append(self, block: Block) -> None:
        """Adds a validated block: its TRANSACTIONS_FILTER says which transactions have effect."""
        raw = block.SerializeToString()
        with self.path.open("ab") as file:
            file.write(len(raw).to_bytes(LENGTH_BYTES, "big") + raw)
        self._take(block)
        with self._grown:
            self._grown.notify_all()

    def place(self, transaction: str) -> Place | None:
        """Where the transaction first appeared, whatever became of it."""
        return self._places.get(transaction)

    def block_with_hash(self, value: bytes) -> Block | None:
        number = self._by_hash.get(value)
        return None if number is None else self.blocks[number]

    def wait(self, ready: Callable[[], bool], seconds: float | None) -> bool:
        """Until ready() after a block came. False: the time is over (None: no limit), or the ledger was closed."""
        end = None if seconds is None else time.monotonic() + seconds
        with self._grown:
            while not ready():
                if self._closed or (end is not None and time.monotonic() >= end):
                    return False
                self._grown.wait(None if end is None else max(0.0, end - time.monotonic()))
            return not self._closed

    def next_block(self, number: int) -> Block | None:
        """Block `number`, waited for without a limit; None when the ledger was closed."""
        return self.blocks[number] if self.wait(lambda: self.height > number, None) else None

    def wake(self) -> None:
        """Lets those who wait look again."""
        with self._grown:
            self._grown.notify_all()

    def close(self) -> None:
        with self._grown:
            self._closed = True
            self._grown.notify_all()

    def _take(self, block: Block) -> None:
        values, history = dict(self.state.values), dict(self.state.history)
        flags = block.metadata.metadata[TRANSACTIONS_FILTER]
        number = block.header.number
        for position, (raw, code) in enumerate(zip(block.data.data, flags, strict=True)):
            header = ChannelHeader.FromString(
                Payload.FromString(Envelope.FromString(raw).payload).header.channel_header
            )
            if header.tx_id:
                # A repeat never hides the first: commit status keeps reporting that one.
                self._places.setdefault(header.tx_id, Place(number, position, code))
            if code == VALID and header.type == ENDORSER_TRANSACTION:
                _write(read_endorsed(raw), values, history, number, position)
        self.state = State(values, history)
        self._by_hash[crypto.sha256(crypto.header_bytes(block.header))] = number
        self.blocks.append(block)


def _write(
    transaction: Endorsed,
    values: dict[tuple[str, str], Value],
    history: dict[tuple[str, str], tuple[Change, ...]],
    block: int,
    position: int,
) -> None:
    for namespace, rwset in transaction.namespaces:
        for write in rwset.writes:
            key = (namespace, write.key)
            change = Change(
                transaction.channel_header.tx_id,
                None if write.is_delete else write.value,
                transaction.channel_header.timestamp,
            )
            history[key] = (*history.get(key, ()), change)
            if write.is_delete:
                values.pop(key, None)
            else:
                values[key] = Value(write.value, block, position)


def read_blocks(path: Path) -> list[Block]:
    data, blocks, offset = path.read_bytes(), [], 0
    while offset < len(data):
        size = int.from_bytes(data[offset : offset + LENGTH_BYTES], "big")
        offset += LENGTH_BYTES
        blocks.append(Block.FromString(data[offset : offset + size]))
        offset += size
    return blocks
