"""Who is let in: organisations, roles, signatures, certificates. Each refusal with the status of a real peer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common.common_pb2 import Envelope, Payload

from cloud.ledger.fabric.identities import issue
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.events import Checkpoint
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import P256_ORDER, Identity
from tests.support.ground import CHAINCODE, Client, Ground, Listener, new_record

Code = grpc.StatusCode


def refusal(call: Callable[[], object]) -> GatewayError:
    """The error of a call that must be refused for good."""
    with pytest.raises(GatewayError) as caught:
        call()
    assert caught.value.not_allowed, caught.value
    assert not caught.value.retry, caught.value
    return caught.value


def other_s(signature: bytes) -> bytes:
    """The second signature that anybody can make of one: as valid by mathematics, refused by Fabric."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)


class HighS(Identity):
    def sign(self, data: bytes) -> bytes:
        return other_s(super().sign(data))


class Timeless(Identity):
    """Does not look at its own dates, so that the peer has to."""

    not_after = datetime.max.replace(tzinfo=UTC)


def again(kind: type[Identity], ground: Ground, org: str, user: str) -> Identity:
    """The identity of a user as another class."""
    folder = ground.home / "organisations" / org / "users" / user / "msp"
    mspid = ground.identity("campus", "recorder").mspid
    return kind.load(mspid, folder / "signcerts" / "cert.pem", folder / "keystore" / "key.pem")


@pytest.mark.parametrize("user", ["reader", "recorder"])
def test_campus_gets_nothing_from_the_police_channel(
    ground: Ground, guarded: Client, member: Callable[..., Client], user: str
) -> None:
    args = new_record("critical")
    endorsed, _ = guarded.write("Record", *args)
    outside = member("campus", user, "police")
    assert refusal(lambda: outside.evaluate("Get", args[0])).code is Code.FAILED_PRECONDITION
    assert refusal(lambda: outside.endorse("Record", *new_record())).code is Code.ABORTED
    assert refusal(lambda: outside.status(endorsed)).code is Code.PERMISSION_DENIED
    assert refusal(lambda: blocks.chain_info(outside.gateway, outside.identity, "police")).code is Code.UNKNOWN
    assert refusal(
        lambda: blocks.block_with(outside.gateway, outside.identity, "police", endorsed.transaction)
    ).code is Code.UNKNOWN
    stream = outside.gateway.open_events(outside.identity, "police", CHAINCODE, 0)
    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    assert caught.value.code() is Code.PERMISSION_DENIED
    listener = Listener(outside, Checkpoint("00" * 32, 0))
    refusal(listener.take)
    # An envelope of the police channel, signed by a campus client: the orderer does not take it.
    envelope = Envelope.FromString(guarded.endorse("Record", *new_record()).envelope)
    envelope.signature = outside.identity.sign(envelope.payload)
    assert refusal(
        lambda: outside.gateway.submit("police", endorsed.transaction, envelope.SerializeToString())
    ).code is Code.ABORTED


def test_writer_of_the_police_channel_is_a_stranger_on_the_other(member: Callable[..., Client]) -> None:
    stranger = member("campussec", "recorder", "general")
    assert refusal(lambda: stranger.endorse("Record", *new_record())).code is Code.ABORTED
    assert refusal(lambda: stranger.evaluate("Get", new_record()[0])).code is Code.FAILED_PRECONDITION


def test_member_without_the_role_may_read_and_not_record(recorder: Client, member: Callable[..., Client]) -> None:
    args = new_record()
    endorsed, _ = recorder.write("Record", *args)
    reader = member("campus", "reader", "general")
    assert reader.evaluate("Get", args[0]) == endorsed.result
    assert refusal(lambda: reader.endorse("Record", *new_record())).chaincode_code == "FORBIDDEN"


def test_police_acknowledge_but_do_not_record(police: Client, member: Callable[..., Client]) -> None:
    for client in (police, member("police", "listener", "general")):
        assert refusal(lambda client=client: client.endorse("Record", *new_record())).chaincode_code == "FORBIDDEN"


def test_high_s_is_refused_everywhere(ground: Ground, recorder: Client) -> None:
    endorsed = recorder.endorse("Record", *new_record())
    envelope = Envelope.FromString(endorsed.envelope)
    envelope.signature = other_s(envelope.signature)
    error = refusal(lambda: recorder.gateway.submit("general", endorsed.transaction, envelope.SerializeToString()))
    assert error.code is Code.ABORTED
    recorder.identity = again(HighS, ground, "campus", "recorder")
    error = refusal(lambda: recorder.evaluate("Get", new_record()[0]))
    assert error.code is Code.FAILED_PRECONDITION
    assert "access denied" in error.message
    assert refusal(lambda: recorder.endorse("Record", *new_record())).code is Code.ABORTED
    assert refusal(lambda: recorder.status(endorsed)).code is Code.PERMISSION_DENIED


def test_low_s_is_what_we_always_make(ground: Ground) -> None:
    identity = ground.identity("campus", "recorder")
    for number in range(64):
        _, s = decode_dss_signature(identity.sign(b"%d" % number))
        assert s <= P256_ORDER // 2


def test_transaction_id_that_is_not_of_its_nonce_and_creator_is_refused(
    recorder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.ledger.gateway.proposal.transaction_id", lambda nonce, creator: "ab" * 32)
    for call, code in ((recorder.evaluate, Code.FAILED_PRECONDITION), (recorder.endorse, Code.ABORTED)):
        with pytest.raises(GatewayError) as caught:
            call("Record", *new_record())
        assert caught.value.code is code
        assert "txid" in str(caught.value).lower()
        assert not caught.value.retry


def test_changed_envelope_is_refused_or_without_effect(recorder: Client) -> None:
    args = new_record()
    endorsed = recorder.endorse("Record", *args)
    envelope = Envelope.FromString(endorsed.envelope)
    payload = Payload.FromString(envelope.payload)
    payload.data = payload.data.replace(args[1].encode(), b"f" * 64)
    changed = payload.SerializeToString()
    with pytest.raises(GatewayError):  # the signature is of the old bytes
        recorder.gateway.submit("general", endorsed.transaction,
                                Envelope(payload=changed, signature=envelope.signature).SerializeToString())
    forged = Envelope(payload=changed, signature=recorder.identity.sign(changed)).SerializeToString()
    recorder.gateway.submit("general", endorsed.transaction, forged)
    assert recorder.status(endorsed).name != "VALID"
    with pytest.raises(GatewayError) as caught:
        recorder.evaluate("Get", args[0])
    assert caught.value.chaincode_code == "NOTFOUND"


def test_expired_certificate_is_named_before_anything_is_sent_and_refused_by_the_peer(
    ground: Ground, recorder: Client
) -> None:
    now = datetime.now(UTC)
    issue(ground.home / "organisations" / "campus", "late", attributes={"sentrybox.role": "recorder"},
          not_before=now - timedelta(days=9), not_after=now - timedelta(days=3, minutes=1))
    recorder.identity = again(Identity, ground, "campus", "late")
    error = refusal(lambda: recorder.endorse("Record", *new_record()))
    assert error.code is Code.UNAUTHENTICATED
    assert "expired 3 days ago" in error.message
    recorder.identity = again(Timeless, ground, "campus", "late")
    assert refusal(lambda: recorder.endorse("Record", *new_record())).code is not Code.UNAUTHENTICATED
    assert refusal(lambda: recorder.evaluate("Get", new_record()[0])).code is not Code.UNAUTHENTICATED


def test_certificate_of_a_foreign_authority_is_refused(ground: Ground, recorder: Client) -> None:
    folder = ground.home / "organisations" / "police" / "users" / "listener" / "msp"
    recorder.identity = Identity.load("CampusMSP", folder / "signcerts" / "cert.pem", folder / "keystore" / "key.pem")
    assert refusal(lambda: recorder.endorse("Record", *new_record())).code is Code.ABORTED
    assert refusal(lambda: recorder.evaluate("Get", new_record()[0])).code is Code.FAILED_PRECONDITION
