"""Parts that are there and do not answer, or answer under a wrong name, or are full: every wait ends."""

import time
from collections.abc import Callable

import grpc
import pytest
from fabric_protos.gateway.gateway_pb2 import CommitStatusRequest, SignedCommitStatusRequest

from cloud.ledger.gateway.connection import Peer, PeerConnection
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.profile import ConnectionProfile
from tests.support.ground import Client, Ground, hung, killed, new_record, patiently, under_wrong_id

Code = grpc.StatusCode
# What a peer serves at a time: limits.concurrency.gatewayService.
SERVED = 500


def passing(call: Callable[[], object]) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        call()
    assert caught.value.retry, caught.value
    return caught.value


def test_orderer_hung(ground: Ground, guarded: Client) -> None:
    endorsed = guarded.endorse("Record", *new_record())
    with hung(ground, "orderer"):
        error = passing(lambda: guarded.gateway.submit("police", endorsed.transaction, endorsed.envelope, timeout_s=2))
        assert error.code is Code.DEADLINE_EXCEEDED
    assert guarded.settle(endorsed).name == "VALID"
    assert guarded.valid().count(endorsed.transaction) == 1


def test_chaincode_hung(ground: Ground, guarded: Client, member: Callable[..., Client]) -> None:
    alone = member("campussec", "recorder", "police", peers=("CampusMSP",))
    alone.write("Record", *new_record())
    with hung(ground, "chaincode-campus"):
        error = passing(lambda: alone.endorse("Record", *new_record()))
        assert error.code is Code.ABORTED
        assert "timeout expired while executing transaction" in error.details[0].message
        # Two peers: half of the time is kept for the second one.
        assert guarded.settle(guarded.endorse("Record", *new_record())).name == "VALID"
    assert patiently(lambda: alone.write("Record", *new_record()))[1].name == "VALID"


def test_chaincode_under_a_wrong_package_id(ground: Ground, guarded: Client, member: Callable[..., Client]) -> None:
    alone = member("campussec", "recorder", "police", peers=("CampusMSP",))
    with under_wrong_id(ground, "chaincode-campus"):
        error = passing(lambda: alone.endorse("Record", *new_record()))
        assert error.code is Code.ABORTED
        assert "timeout expired while starting chaincode" in error.details[0].message
    assert patiently(lambda: alone.write("Record", *new_record()))[1].name == "VALID"


def test_chaincode_of_both_organisations_dead(ground: Ground, guarded: Client) -> None:
    with killed(ground, "chaincode-campus"), killed(ground, "chaincode-police"):
        assert passing(lambda: guarded.endorse("Record", *new_record())).code is Code.ABORTED
        assert passing(lambda: guarded.evaluate("Get", new_record()[0])).code is Code.ABORTED
    assert patiently(lambda: guarded.write("Record", *new_record()))[1].name == "VALID"


def test_peer_that_is_full_is_asked_again_until_it_has_room(
    ground: Ground, recorder: Client, member: Callable[..., Client]
) -> None:
    args = new_record()
    recorder.write("Record", *args)
    alone = member("campus", "recorder", "general", peers=("CampusMSP",))
    first = ConnectionProfile.read(ground.profile("campus")).peers[0]
    flood = PeerConnection(Peer(first.address, (ground.home / "profiles" / first.tls_ca).read_bytes()))
    asked = CommitStatusRequest(transaction_id="ab" * 32, channel_id="general",
                                identity=alone.identity.creator).SerializeToString()
    request = SignedCommitStatusRequest(request=asked, signature=alone.identity.sign(asked))
    calls = [flood.stub.CommitStatus.future(request, timeout=4) for _ in range(SERVED + 1)]
    try:
        end = time.monotonic() + 4
        while not any(call.done() for call in calls) and time.monotonic() < end:
            time.sleep(0.02)
        error = passing(lambda: alone.evaluate("Get", args[0], timeout_s=0.2))
        assert error.code is Code.UNKNOWN
        assert "exceeding concurrency limit" in error.message
        assert recorder.evaluate("Get", args[0])  # there is another peer
        assert alone.evaluate("Get", args[0], timeout_s=20)  # and in time this one, too
    finally:
        for call in calls:
            call.cancel()
        flood.close()


def test_peer_of_another_authority_is_not_spoken_to(ground: Ground, recorder: Client) -> None:
    profile = ConnectionProfile.read(ground.profile("campus"))
    other = profile.peers[1].tls_ca
    stranger = profile.model_copy(update={"peers": (profile.peers[0].model_copy(update={"tls_ca": other}),)}).gateway()
    with pytest.raises(GatewayError) as caught:
        stranger.evaluate(recorder.identity, "general", "sentrybox", "Get", new_record()[0])
    stranger.close()
    assert caught.value.code is Code.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message
