"""Blocks as the channel's peers keep them, through the system chaincode qscc, and their hashes.

Formats: fabric-protos common/common.proto (Block, BlockMetadataIndex), Fabric's protoutil.BlockHeaderBytes.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from cryptography.utils import int_to_bytes
from fabric_protos.common import common_pb2
from fabric_protos.common.common_pb2 import SIGNATURES, TRANSACTIONS_FILTER, ChannelHeader, Envelope, Metadata, Payload
from fabric_protos.common.ledger_pb2 import BlockchainInfo
from google.protobuf.message import DecodeError

from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import Identity

QUERIES = "qscc"


class Header(NamedTuple):
    """common.BlockHeader; hashes are 32 bytes, the genesis block's previous_hash is empty."""

    number: int
    previous_hash: bytes
    data_hash: bytes


class OrdererSignature(NamedTuple):
    """header: serialised common.SignatureHeader. signature: over orderer_value || header || header_bytes()."""

    header: bytes
    signature: bytes


class ChainInfo(NamedTuple):
    """The height that a peer has reached. height: number of blocks. current_hash, previous_hash: of the last block's
    header and the one before it.
    """

    height: int
    current_hash: bytes
    previous_hash: bytes


@dataclass(frozen=True)
class Block:
    """A block. envelopes: serialised common.Envelope, in order. codes: peer.TxValidationCode of each, as that peer
    found it. orderer_value, orderer_signatures: the block metadata SIGNATURES."""

    header: Header
    envelopes: tuple[bytes, ...]
    codes: bytes
    orderer_value: bytes
    orderer_signatures: tuple[OrdererSignature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> "Block":
        """Read a serialised common.Block. Raises ValueError when it is not one or its data hash does not fit."""
        try:
            message = common_pb2.Block.FromString(raw)
        except DecodeError as error:
            raise ValueError(f"these {len(raw)} bytes are no block") from error
        header = Header(message.header.number, message.header.previous_hash, message.header.data_hash)
        envelopes = tuple(message.data.data)
        if data_hash(envelopes) != header.data_hash:
            raise ValueError(f"block {header.number}: the data hash of its header is not that of its envelopes")
        kept = list(message.metadata.metadata)
        signed = Metadata.FromString(kept[SIGNATURES]) if len(kept) > SIGNATURES else Metadata()
        return cls(header, envelopes, kept[TRANSACTIONS_FILTER] if len(kept) > TRANSACTIONS_FILTER else b"",
                   signed.value, tuple(OrdererSignature(s.signature_header, s.signature) for s in signed.signatures))

    @property
    def transactions(self) -> tuple[str, ...]:
        """Return the transaction id of each envelope; "" for configuration."""
        return tuple(ChannelHeader.FromString(Payload.FromString(Envelope.FromString(envelope).payload)
                                              .header.channel_header).tx_id for envelope in self.envelopes)


def chain_info(gateway: Gateway, identity: Identity, channel: str) -> ChainInfo:
    """Return height and newest hash. Raises GatewayError."""
    info = BlockchainInfo.FromString(gateway.evaluate(identity, channel, QUERIES, "GetChainInfo", channel))
    return ChainInfo(info.height, info.currentBlockHash, info.previousBlockHash)


def block(gateway: Gateway, identity: Identity, channel: str, number: int) -> Block:
    """Return the block with that number. Raises GatewayError, also when there is none yet."""
    return _block(gateway.evaluate(identity, channel, QUERIES, "GetBlockByNumber", channel, str(number)))


def block_with(gateway: Gateway, identity: Identity, channel: str, transaction: str) -> Block:
    """Return the block that holds a transaction (the first, if it was sent repeatedly). Raises GatewayError, also when
    there is none.
    """
    return _block(gateway.evaluate(identity, channel, QUERIES, "GetBlockByTxID", channel, transaction))


def genesis_hash(gateway: Gateway, identity: Identity, channel: str) -> str:
    """Return the hash of block 0's header, hex: it tells this channel from any other that ever had the same name."""
    return header_hash(block(gateway, identity, channel, 0).header).hex()


def header_bytes(header: Header) -> bytes:
    """Return the DER sequence of number (INTEGER), previous_hash and data_hash (OCTET STRING)."""
    number = int_to_bytes(header.number, header.number.bit_length() // 8 + 1)
    return _der(0x30, _der(0x02, number) + _der(0x04, header.previous_hash) + _der(0x04, header.data_hash))


def header_hash(header: Header) -> bytes:
    """Return the SHA-256 of header_bytes(): what the next block names as its previous_hash."""
    return hashlib.sha256(header_bytes(header)).digest()


def data_hash(envelopes: tuple[bytes, ...]) -> bytes:
    """Return the SHA-256 of all envelopes of a block, one after the other."""
    return hashlib.sha256(b"".join(envelopes)).digest()


def _block(raw: bytes) -> Block:
    try:
        return Block.parse(raw)
    except ValueError as error:
        raise GatewayError("evaluate", "", grpc.StatusCode.DATA_LOSS, f"the peer's answer is wrong: {error}") from error


def _der(tag: int, content: bytes) -> bytes:
    if len(content) > 127:
        raise ValueError(f"a part of a block header has {len(content)} bytes, at most 127 can be")
    return bytes((tag, len(content))) + content
