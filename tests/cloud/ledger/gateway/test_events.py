"""How a stream goes on after failures; the events themselves are examined in tests/ledger."""

import logging
import threading

import grpc
import pytest
from fabric_protos.common.common_pb2 import Block
from fabric_protos.gateway.gateway_pb2 import ChaincodeEventsRequest, ChaincodeEventsResponse, EvaluateResponse
from fabric_protos.peer.chaincode_event_pb2 import ChaincodeEvent
from fabric_protos.peer.proposal_response_pb2 import Response

from cloud.ledger.gateway.blocks import Header, data_hash, header_hash
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.events import BlockEnd, ChannelEvent, Checkpoint, EventStream
from cloud.ledger.gateway.failures import GatewayError
from tests.support.fake_peer import Failed, FakePeer, FakeStream

Code = grpc.StatusCode
BROKEN = Failed(Code.UNAVAILABLE, "Socket closed")
DENIED = Failed(Code.PERMISSION_DENIED, "no")


def genesis(previous: bytes = b"") -> tuple[str, EvaluateResponse]:
    block = Block()
    block.header.previous_hash, block.header.data_hash = previous, data_hash(())
    raw = block.SerializeToString()
    return (header_hash(Header(0, previous, data_hash(()))).hex(),
            EvaluateResponse(result=Response(status=200, payload=raw)))


NAME, GENESIS = genesis()
OTHER, OTHER_GENESIS = genesis(b"x" * 32)


def answer(block: int, *transactions: str) -> ChaincodeEventsResponse:
    return ChaincodeEventsResponse(block_number=block, events=[
        ChaincodeEvent(tx_id=transaction, event_name="recorded", payload=b"p") for transaction in transactions])


@pytest.fixture
def waits(monkeypatch):
    """Pauses between attempts, which take no time."""
    taken = []

    def wait(self, timeout=None):
        taken.append(timeout)
        return self.is_set()

    monkeypatch.setattr(threading.Event, "wait", wait)
    return taken


def start_of(peer, number):
    """The block from which the number-th stream was asked for."""
    requests = [request for method, request, _ in peer.calls if method == "ChaincodeEvents"]
    return ChaincodeEventsRequest.FromString(requests[number].request).start_position.specified.number


def told(stream) -> list[str]:
    found = []
    with pytest.raises(GatewayError) as caught:
        found.extend(item.transaction if isinstance(item, ChannelEvent) else f"end {item.block}" for item in stream)
    assert caught.value.code is Code.PERMISSION_DENIED
    return found


def test_goes_on_where_it_was_cut_within_a_block_and_after_it(identity, waits):
    peer = FakePeer([
        GENESIS, FakeStream([answer(3, "a", "b"), answer(5, "c")], BROKEN),
        GENESIS, FakeStream([answer(6, "d")], BROKEN),
        GENESIS, FakeStream([], DENIED)])
    assert told(EventStream(Gateway([peer]), identity, "general", "sentrybox", None)) == [
        "a", "b", "end 3", "c", "end 5", "d", "end 6"]
    assert [start_of(peer, number) for number in range(3)] == [0, 6, 7]


def test_checkpoint_inside_a_block_skips_what_was_handled(identity, waits):
    peer = FakePeer([GENESIS, FakeStream([answer(3, "a", "b", "c")], DENIED)])
    stream = EventStream(Gateway([peer]), identity, "general", "sentrybox", Checkpoint(NAME, 3, "b"))
    assert told(stream) == ["c", "end 3"]
    assert start_of(peer, 0) == 3


@pytest.mark.parametrize("first", [answer(3, "a"), answer(4, "b")])
def test_checkpoint_that_does_not_fit_its_block_is_an_error(identity, waits, first):
    peer = FakePeer([GENESIS, FakeStream([first], DENIED)])
    with pytest.raises(GatewayError, match="checkpoint names transaction b") as caught:
        next(EventStream(Gateway([peer]), identity, "general", "sentrybox", Checkpoint(NAME, 3, "b")))
    assert not caught.value.retry


def test_attempts_grow_rarer_and_an_event_resets_them(identity, waits):
    peer = FakePeer([BROKEN, BROKEN, BROKEN, BROKEN, GENESIS, FakeStream([answer(3, "a")], BROKEN), BROKEN,
                     GENESIS, FakeStream([], DENIED)])
    assert told(EventStream(Gateway([peer]), identity, "general", "sentrybox", None)) == ["a", "end 3"]
    ceilings = [0.2, 0.4, 0.8, 1.6, 0.2, 0.4]
    assert len(waits) == len(ceilings)
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))


def test_other_peer_takes_over_from_the_same_place(identity, waits):
    first = FakePeer([GENESIS, FakeStream([answer(3, "a")], BROKEN), BROKEN])
    second = FakePeer([GENESIS, FakeStream([answer(4, "b")], DENIED)])
    assert told(EventStream(Gateway([first, second]), identity, "general", "sentrybox", None)) == [
        "a", "end 3", "b", "end 4"]
    assert start_of(second, 0) == 4


def test_ledger_set_up_anew_under_a_running_stream_is_refused(identity, waits):
    peer = FakePeer([GENESIS, FakeStream([answer(3, "a")], BROKEN),
                     OTHER_GENESIS, FakeStream([answer(3, "x")], DENIED)])
    stream = EventStream(Gateway([peer]), identity, "general", "sentrybox", None)
    assert [next(stream), next(stream)] == [
        ChannelEvent(3, "a", "recorded", b"p", Checkpoint(NAME, 3, "a")), BlockEnd(3, Checkpoint(NAME, 4))]
    with pytest.raises(GatewayError) as caught:
        next(stream)
    assert NAME in caught.value.message
    assert OTHER in caught.value.message
    assert not caught.value.retry


def test_outage_is_logged_with_its_reason(identity, waits, caplog):
    peer = FakePeer([BROKEN, GENESIS, FakeStream([], DENIED)])
    with caplog.at_level(logging.WARNING):
        told(EventStream(Gateway([peer]), identity, "general", "sentrybox", None))
    assert "Socket closed" in caplog.text
    assert "general" in caplog.text


def test_closing_cancels_the_call(identity):
    stream = FakeStream([answer(3, "a")], Failed(Code.CANCELLED))
    reader = EventStream(Gateway([FakePeer([GENESIS, stream])]), identity, "general", "sentrybox", None)
    with reader:
        next(reader)
    assert stream.cancelled
    assert list(reader) == [BlockEnd(3, Checkpoint(NAME, 4))]  # what had come; then the end, and no new attempt
