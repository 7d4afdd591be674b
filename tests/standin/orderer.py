"""The ordering service: takes envelopes, cuts hash-chained and signed blocks by time and count.

What was taken and not yet cut lies in memory only, as in a real orderer's pending batch: a kill loses it.
"""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from fabric_protos.common.common_pb2 import (
    CONFIG,
    LAST_CONFIG,
    SIGNATURES,
    Block,
    BlockData,
    BlockHeader,
    BlockMetadata,
    ChannelHeader,
    Envelope,
    LastConfig,
    Metadata,
    MetadataSignature,
    OrdererBlockMetadata,
    Payload,
    SignatureHeader,
    Status,
)
from google.protobuf.message import DecodeError

from tests.standin import crypto
from tests.standin.crypto import Signer
from tests.standin.ledger import LENGTH_BYTES, read_blocks
from tests.standin.policy import Channel, Denied, NotMember

COUNT = 10  # MaxMessageCount
LARGEST = 10 * 1024 * 1024  # AbsoluteMaxBytes
METADATA_ENTRIES = 5


class Chain:
    """One channel at the orderer."""

    def __init__(self, channel: Channel, signer: Signer, path: Path, genesis: Block) -> None:
        self.channel = channel
        self.grown = threading.Condition()
        self.pending: list[bytes] = []
        self._open = False
        self._since = 0.0
        self._signer, self._path = signer, path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.blocks = read_blocks(path) if path.exists() else []
        if not self.blocks:
            self._keep(genesis)

    def open(self) -> None:
        with self.grown:
            self._open = True

    def forget(self) -> None:
        """The orderer was killed: what was taken and not cut is gone."""
        with self.grown:
            self._open = False
            self.pending.clear()
            self.grown.notify_all()

    def take(self, envelope: bytes) -> bool:
        with self.grown:
            if not self._open:
                return False
            if not self.pending:
                self._since = time.monotonic()
            self.pending.append(envelope)
            self.grown.notify_all()
            return True

    def cut(self) -> bool:
        """Waits until a block is due, and makes it. False when there was none within a moment."""
        with self.grown:
            left = self._since + self.channel.batch_s - time.monotonic() if self.pending else 0.05
            if len(self.pending) < COUNT and left > 0:
                self.grown.wait(min(left, 0.05))
                return False
            if not self.pending:
                return False
            batch, self.pending = self.pending[:COUNT], self.pending[COUNT:]
            self._since = time.monotonic()
            self._keep(self._block(batch))
            self.grown.notify_all()
            return True

    def _block(self, envelopes: list[bytes]) -> Block:
        previous = self.blocks[-1].header
        header = BlockHeader(
            number=previous.number + 1,
            previous_hash=crypto.sha256(crypto.header_bytes(previous)),
            data_hash=crypto.sha256(b"".join(envelopes)),
        )
        value = OrdererBlockMetadata(
            last_config=LastConfig(index=0), consenter_metadata=Metadata().SerializeToString()
        ).SerializeToString()
        # The nonce only makes two headers of the same signer differ.
        nonce = crypto.sha256(header.previous_hash + header.data_hash)[:24]
        signature_header = SignatureHeader(creator=self._signer.creator, nonce=nonce).SerializeToString()
        signature = self._signer.sign(value + signature_header + crypto.header_bytes(header))
        metadata = [b""] * METADATA_ENTRIES
        metadata[SIGNATURES] = Metadata(
            value=value, signatures=[MetadataSignature(signature_header=signature_header, signature=signature)]
        ).SerializeToString()
        metadata[LAST_CONFIG] = Metadata(value=LastConfig(index=0).SerializeToString()).SerializeToString()
        return Block(header=header, data=BlockData(data=envelopes), metadata=BlockMetadata(metadata=metadata))

    def _keep(self, block: Block) -> None:
        raw = block.SerializeToString()
        with self._path.open("ab") as file:
            file.write(len(raw).to_bytes(LENGTH_BYTES, "big") + raw)
        self.blocks.append(block)


class Orderer:
    """`hanging`: takes calls and never answers. `refusing`: answers SERVICE_UNAVAILABLE. Both are for tests to set."""

    def __init__(self, chains: dict[str, Chain]) -> None:
        self.chains = chains
        self.alive = self.hanging = self.refusing = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self.alive = True
        for chain in self.chains.values():
            chain.open()
        self._threads = [
            threading.Thread(target=self._cutting, args=(chain,), name=f"orderer {name}", daemon=True)
            for name, chain in self.chains.items()
        ]
        for thread in self._threads:
            thread.start()

    def kill(self) -> None:
        self.alive = False
        for chain in self.chains.values():
            chain.forget()
        for thread in self._threads:
            thread.join()

    def broadcast(self, envelope: Envelope) -> tuple[int, str]:
        """A common.Status and its info, as the orderer's Broadcast service answers."""
        try:
            payload = Payload.FromString(envelope.payload)
            head = ChannelHeader.FromString(payload.header.channel_header)
            creator = SignatureHeader.FromString(payload.header.signature_header).creator
        except DecodeError:
            what = "error unmarshalling Payload: proto: cannot parse invalid wire-format data"
            return Status.BAD_REQUEST, f"could not determine channel ID: {what}"
        if not payload.HasField("header"):
            return Status.BAD_REQUEST, "could not determine channel ID: header not set"
        chain = self.chains.get(head.channel_id)
        if chain is None:
            what = "channel creation request not allowed because the orderer system channel is not defined"
            return Status.BAD_REQUEST, what
        if head.type == CONFIG:
            return Status.BAD_REQUEST, "message is of type that cannot be processed directly"
        size = len(envelope.payload) + len(envelope.signature)
        if size > LARGEST:
            return Status.BAD_REQUEST, f"message payload is {size} bytes and exceeds maximum allowed {LARGEST} bytes"
        if expired(chain.channel, creator):
            return Status.BAD_REQUEST, "broadcast client identity expired"
        try:
            chain.channel.check("Writers", creator, envelope.payload, envelope.signature)
        except Denied as denied:
            return Status.FORBIDDEN, f"{denied}: permission denied"
        if self.refusing or not chain.take(envelope.SerializeToString()):
            return Status.SERVICE_UNAVAILABLE, "no Raft leader"
        return Status.SUCCESS, ""

    def _cutting(self, chain: Chain) -> None:
        while self.alive:
            chain.cut()


def expired(channel: Channel, creator: bytes) -> bool:
    try:
        _, certificate = channel.membership.known(creator)
    except NotMember:
        return False
    return datetime.now(UTC) >= certificate.not_valid_after_utc
