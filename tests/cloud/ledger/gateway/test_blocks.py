import hashlib

import pytest
from fabric_protos.common.common_pb2 import (
    Block,
    BlockMetadataIndex,
    ChannelHeader,
    Envelope,
    Header,
    Metadata,
    MetadataSignature,
    Payload,
)
from fabric_protos.gateway.gateway_pb2 import EvaluateResponse
from fabric_protos.peer.proposal_response_pb2 import Response

from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.failures import GatewayError
from tests.support.fake_peer import FakePeer


def envelope(transaction: str) -> bytes:
    header = Header(channel_header=ChannelHeader(tx_id=transaction).SerializeToString())
    return Envelope(payload=Payload(header=header).SerializeToString()).SerializeToString()


def message(*envelopes: bytes) -> Block:
    block = Block()
    block.header.number = 5
    block.header.previous_hash = b"p" * 32
    block.header.data_hash = hashlib.sha256(b"".join(envelopes)).digest()
    block.data.data.extend(envelopes)
    signed = Metadata(value=b"value", signatures=[MetadataSignature(signature_header=b"h", signature=b"s")])
    block.metadata.metadata.extend([b""] * 5)
    block.metadata.metadata[BlockMetadataIndex.Value("SIGNATURES")] = signed.SerializeToString()
    block.metadata.metadata[BlockMetadataIndex.Value("TRANSACTIONS_FILTER")] = bytes([0, 9])
    return block


@pytest.mark.parametrize(("number", "der"), [
    (0, "020100"), (1, "020101"), (127, "02017f"), (128, "02020080"), (255, "020200ff"), (256, "02020100"),
    (65536, "0203010000"), (2**63, "0209008000000000000000"), (2**64 - 1, "020900ffffffffffffffff"),
])
def test_header_is_der(number, der):
    body = bytes.fromhex(der) + b"\x04\x02ab" + b"\x04\x00"
    header = blocks.Header(number, b"ab", b"")
    assert blocks.header_bytes(header) == bytes([0x30, len(body)]) + body
    assert blocks.header_hash(header) == hashlib.sha256(blocks.header_bytes(header)).digest()


def test_block_is_taken_apart():
    first, second = envelope("aa"), envelope("")
    block = blocks.Block.parse(message(first, second).SerializeToString())
    assert block.header == blocks.Header(5, b"p" * 32, hashlib.sha256(first + second).digest())
    assert block.envelopes == (first, second)
    assert block.transactions == ("aa", "")
    assert block.codes == bytes([0, 9])
    assert (block.orderer_value, block.orderer_signatures) == (b"value", (blocks.OrdererSignature(b"h", b"s"),))


def test_block_whose_envelopes_do_not_fit_is_refused():
    block = message(envelope("aa"))
    block.data.data[0] += b"\0"
    with pytest.raises(ValueError, match="block 5"):
        blocks.Block.parse(block.SerializeToString())


def test_lying_peer_is_a_gateway_error(identity):
    block = message(envelope("aa"))
    block.data.data[0] += b"\0"
    for answer in (block.SerializeToString(), b"\xff\xff"):
        peer = FakePeer([EvaluateResponse(result=Response(status=200, payload=answer))])
        with pytest.raises(GatewayError, match="the peer's answer is wrong") as caught:
            blocks.block(Gateway([peer]), identity, "general", 5)
        assert not caught.value.retry


def test_part_that_no_header_has_is_refused():
    with pytest.raises(ValueError, match="at most 127"):
        blocks.header_bytes(blocks.Header(1, b"x" * 128, b""))
