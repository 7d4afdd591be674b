"""What the client decides by itself: which peer, how long, what again. The rest is examined in tests/ledger."""

import grpc
import pytest
from fabric_protos.gateway.gateway_pb2 import CommitStatusResponse, EvaluateResponse, SubmitResponse
from fabric_protos.peer.proposal_response_pb2 import Response

from cloud.ledger.gateway import client
from cloud.ledger.gateway.client import Commit, Gateway
from cloud.ledger.gateway.connection import Peer, PeerConnection
from cloud.ledger.gateway.failures import GatewayError, SetupError, TransactionInvalid
from tests.support.fake_peer import Failed, FakePeer

Code = grpc.StatusCode
ANSWER = EvaluateResponse(result=Response(status=200, payload=b"yes"))
DEAD = Failed(Code.UNAVAILABLE, "failed to connect to all addresses")
FULL = Failed(Code.UNKNOWN, "too many requests for /gateway.Gateway, exceeding concurrency limit (500)")
NO_ORDERER = Failed(Code.UNAVAILABLE, "no orderers could successfully process transaction",
                    ("OrdererMSP", "o:1", "gone"))
NOT_YET = Failed(Code.DEADLINE_EXCEEDED, "Deadline Exceeded")
TRANSACTION, ENVELOPE = "ab" * 32, b""


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock.monotonic)
    monkeypatch.setattr("time.sleep", clock.sleep)
    return clock


def ask(gateway, identity, **options):
    return gateway.evaluate(identity, "general", "sentrybox", "Get", "x", **options)


def methods(peer):
    return [method for method, _, _ in peer.calls]


def test_first_peer_answers(identity):
    peers = [FakePeer([ANSWER]), FakePeer([ANSWER])]
    assert ask(Gateway(peers), identity) == b"yes"
    assert [len(peer.calls) for peer in peers] == [1, 0]


def test_dead_peer_is_passed_by_and_remembered_until_it_had_its_rest(identity, clock):
    first, second = FakePeer([DEAD, DEAD, ANSWER]), FakePeer([ANSWER])
    gateway = Gateway([first, second])
    for _ in range(3):
        assert ask(gateway, identity) == b"yes"
    assert [len(first.calls), len(second.calls)] == [1, 3]
    clock.now += 1.1
    ask(gateway, identity)
    assert [len(first.calls), len(second.calls)] == [2, 4]  # still dead
    clock.now += 1.1
    ask(gateway, identity)
    assert len(first.calls) == 2  # it rests longer each time
    clock.now += 1.1
    ask(gateway, identity)
    ask(gateway, identity)
    assert [len(first.calls), len(second.calls)] == [4, 5]


def test_all_dead_is_one_error_that_says_the_most(identity):
    gateway = Gateway([FakePeer([NO_ORDERER]), FakePeer([DEAD])])
    with pytest.raises(GatewayError) as caught:
        gateway.submit("general", TRANSACTION, ENVELOPE)
    assert caught.value.retry
    assert caught.value.details[0].mspid == "OrdererMSP"


def test_peer_whose_orderers_are_away_stays_first(identity):
    first, second = FakePeer([NO_ORDERER, ANSWER]), FakePeer([NO_ORDERER, ANSWER])
    gateway = Gateway([first, second])
    with pytest.raises(GatewayError):
        gateway.submit("general", TRANSACTION, ENVELOPE)
    ask(gateway, identity)
    assert [methods(first), methods(second)] == [["Submit", "Evaluate"], ["Submit"]]


@pytest.mark.parametrize("code", [Code.UNKNOWN, Code.ABORTED, Code.FAILED_PRECONDITION, Code.PERMISSION_DENIED])
def test_an_answer_is_an_answer_and_no_other_peer_is_asked(identity, code):
    first, second = FakePeer([Failed(code, "chaincode response 500, NOTFOUND: x")]), FakePeer([ANSWER])
    with pytest.raises(GatewayError):
        ask(Gateway([first, second]), identity)
    assert not second.calls


def test_first_of_two_gets_half_of_the_time_the_last_all_that_is_left(identity, clock):
    first, second = FakePeer([NOT_YET]), FakePeer([ANSWER])
    ask(Gateway([first, second]), identity, timeout_s=8)
    assert (first.calls[0][2], second.calls[0][2]) == (4, 8)
    third = FakePeer([CommitStatusResponse()])
    Gateway([third, second]).commit_status(identity, "general", TRANSACTION, 8)
    assert third.calls[0][2] == 8


def test_commit_status_that_takes_its_time_is_not_asked_elsewhere(identity):
    first, second = FakePeer([NOT_YET]), FakePeer([CommitStatusResponse()])
    gateway = Gateway([first, second])
    for _ in range(2):
        with pytest.raises(GatewayError) as caught:
            gateway.commit_status(identity, "general", TRANSACTION, 1)
        assert caught.value.retry
    assert [len(first.calls), len(second.calls)] == [2, 0]


def test_full_peer_is_asked_again_after_a_growing_pause(identity, clock):
    peer = FakePeer([FULL, FULL, FULL, ANSWER])
    assert ask(Gateway([peer]), identity, timeout_s=5) == b"yes"
    assert clock.slept == pytest.approx([0.1, 0.2, 0.4])


def test_full_peer_is_not_waited_for_beyond_the_deadline(identity, clock):
    with pytest.raises(GatewayError) as caught:
        ask(Gateway([FakePeer([FULL])]), identity, timeout_s=1)
    assert caught.value.retry
    assert sum(clock.slept) < 1


def test_own_limit_of_calls_under_way(identity, monkeypatch):
    monkeypatch.setattr(client, "IN_FLIGHT", 1)

    def second(_):
        with pytest.raises(GatewayError) as caught:
            ask(gateway, identity, timeout_s=0.01)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        assert caught.value.retry
        return ANSWER

    gateway = Gateway([FakePeer([second, ANSWER])])
    assert ask(gateway, identity) == b"yes"
    assert ask(gateway, identity) == b"yes"  # the place is free again


def test_ended_certificate_is_named_and_nothing_sent(identity, ended, early):
    peer = FakePeer([ANSWER])
    gateway = Gateway([peer])
    calls = {
        "evaluate": lambda who: ask(gateway, who),
        "endorse": lambda who: gateway.endorse(who, "general", "sentrybox", "Get", "x"),
        "commit status": lambda who: gateway.commit_status(who, "general", TRANSACTION, 1),
        "events": lambda who: gateway.open_events(who, "general", "sentrybox", 0),
    }
    for step, call in calls.items():
        with pytest.raises(GatewayError, match="expired 40 days ago") as caught:
            call(ended)
        assert (caught.value.step, caught.value.not_allowed, caught.value.retry) == (step, True, False)
    with pytest.raises(GatewayError, match="valid only from"):
        ask(gateway, early)
    assert not peer.calls


def settled(answers, identity, wait_s=60):
    peer = FakePeer(answers)
    return peer, lambda: Gateway([peer]).settle(identity, "general", TRANSACTION, ENVELOPE, wait_s)


def test_bytes_that_are_no_envelope_are_not_sent():
    peer = FakePeer([TAKEN])
    with pytest.raises(GatewayError, match="no envelope") as caught:
        Gateway([peer]).submit("general", TRANSACTION, b"\xff\xff")
    assert not caught.value.retry
    assert not peer.calls


TAKEN = SubmitResponse()
VALID = CommitStatusResponse(result=0, block_number=7)


def test_settle_asks_until_the_block_is_there(identity, clock):
    peer, settle = settled([TAKEN, VALID], identity)
    assert settle() == Commit(0, "VALID", 7)
    assert methods(peer) == ["Submit", "CommitStatus"]


def test_settle_sends_the_same_again_when_there_is_no_block(identity, clock):
    peer, settle = settled([TAKEN, NOT_YET, TAKEN, Failed(Code.CANCELLED, "cancelled"), NO_ORDERER, VALID], identity)
    assert settle() == Commit(0, "VALID", 7)
    assert methods(peer) == ["Submit", "CommitStatus"] * 3
    sent = {call[1].SerializeToString() for call in peer.calls if call[0] == "Submit"}
    assert len(sent) == 1


def test_settle_finds_what_is_there_although_it_may_not_send_any_more(identity, clock):
    refused = Failed(Code.ABORTED, "received unsuccessful response from orderer: status=FORBIDDEN")
    _, settle = settled([refused, VALID], identity)
    assert settle() == Commit(0, "VALID", 7)
    _, settle = settled([refused, NOT_YET], identity)
    with pytest.raises(GatewayError) as caught:
        settle()
    assert (caught.value.step, caught.value.not_allowed) == ("submit", True)


def test_settle_ends_with_an_invalid_code(identity, clock):
    peer, settle = settled([TAKEN, CommitStatusResponse(result=11, block_number=9)], identity)
    with pytest.raises(TransactionInvalid) as caught:
        settle()
    assert (caught.value.name, caught.value.block, caught.value.transaction) == ("MVCC_READ_CONFLICT", 9, TRANSACTION)
    assert len(peer.calls) == 2


def test_settle_gives_up_in_time(identity, clock):
    peer, settle = settled([NO_ORDERER, NOT_YET, NO_ORDERER, NOT_YET, DEAD], identity, wait_s=10)
    start = clock.now
    with pytest.raises(GatewayError) as caught:
        settle()
    assert caught.value.retry
    assert clock.now - start <= 10
    assert 3 < len(peer.calls) < 30


def test_gateway_needs_a_peer_and_a_peer_its_authority(organisations):
    with pytest.raises(ValueError, match="at least one peer"):
        Gateway([])
    with pytest.raises(SetupError, match="h:1"):
        PeerConnection(Peer("h:1", b"no certificate"))


def test_closed_gateway_says_so(identity, organisations):
    gateway = Gateway([Peer("127.0.0.1:1", (organisations / "campus" / "tlsca.pem").read_bytes())])
    gateway.close()
    with pytest.raises(GatewayError, match="closed") as caught:
        ask(gateway, identity)
    assert not caught.value.retry
