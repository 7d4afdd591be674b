"""Calls of the Gateway by hand, well-formed or wrong in one chosen place, and what came back."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from cryptography.hazmat.primitives.asymmetric import utils
from fabric_protos.common.common_pb2 import ENDORSER_TRANSACTION, ChannelHeader, Envelope, Header, SignatureHeader
from fabric_protos.gateway import gateway_pb2 as gw
from fabric_protos.gateway.gateway_pb2_grpc import GatewayStub
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from fabric_protos.orderer.ab_pb2 import SeekPosition
from fabric_protos.peer.chaincode_pb2 import ChaincodeID, ChaincodeInput, ChaincodeInvocationSpec, ChaincodeSpec
from fabric_protos.peer.proposal_pb2 import (
    ChaincodeHeaderExtension,
    ChaincodeProposalPayload,
    Proposal,
    SignedProposal,
)
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from cloud.ledger.gateway.profile import ConnectionProfile
from tests.standin.crypto import ORDER, Signer

WAIT_S = 30.0


class Outcome(NamedTuple):
    """A gRPC status, with the messages of its ErrorDetails and the MSP ids of those who said them."""

    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()
    value: Any = None


class Proposed(NamedTuple):
    transaction: str
    channel: str
    signed: SignedProposal


class Wrong(NamedTuple):
    """What is wrong with a proposal."""

    chaincode: str = "sentrybox"
    type: int = ENDORSER_TRANSACTION
    epoch: int = 0
    age_s: int = 0
    nonce: bytes | None = None
    transaction: str | None = None
    creator: bytes | None = None
    extension: str | None = None
    sign: Callable[[bytes], bytes] | None = None


NOTHING = Wrong()


def propose(signer: Signer, channel: str, *args: str | bytes, wrong: Wrong = NOTHING) -> Proposed:
    nonce = os.urandom(24) if wrong.nonce is None else wrong.nonce
    creator = signer.creator if wrong.creator is None else wrong.creator
    transaction = wrong.transaction or hashlib.sha256(nonce + creator).hexdigest()
    time = Timestamp()
    time.GetCurrentTime()
    time.seconds -= wrong.age_s
    called = wrong.chaincode if wrong.extension is None else wrong.extension
    head = ChannelHeader(
        type=wrong.type,
        channel_id=channel,
        tx_id=transaction,
        epoch=wrong.epoch,
        timestamp=time,
        extension=ChaincodeHeaderExtension(chaincode_id=ChaincodeID(name=called)).SerializeToString(),
    )
    header = Header(
        channel_header=head.SerializeToString(),
        signature_header=SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
    )
    given = ChaincodeInput(args=[arg if isinstance(arg, bytes) else arg.encode() for arg in args])
    spec = ChaincodeInvocationSpec(
        chaincode_spec=ChaincodeSpec(
            type=ChaincodeSpec.GOLANG, chaincode_id=ChaincodeID(name=wrong.chaincode), input=given
        )
    )
    payload = ChaincodeProposalPayload(input=spec.SerializeToString())
    raw = Proposal(header=header.SerializeToString(), payload=payload.SerializeToString()).SerializeToString()
    signature = (wrong.sign or signer.sign)(raw)
    return Proposed(transaction, channel, SignedProposal(proposal_bytes=raw, signature=signature))


def signer(home: Path, org: str, user: str, mspid: str) -> Signer:
    return Signer(mspid, home / "organisations" / org / "users" / user / "msp")


def high_s(signer: Signer) -> Callable[[bytes], bytes]:
    """Signs as ECDSA allows and Fabric does not."""

    def sign(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(signer.sign(data))
        return utils.encode_dss_signature(r, ORDER - s)

    return sign


def creator(mspid: str, certificate: bytes) -> bytes:
    return SerializedIdentity(mspid=mspid, id_bytes=certificate).SerializeToString()


class Caller:
    """The Gateway of one peer, called without any of the client's care."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = GatewayStub(channel)

    def evaluate(self, proposed: Proposed, *organisations: str) -> Outcome:
        return self._call(
            "Evaluate",
            gw.EvaluateRequest(
                transaction_id=proposed.transaction,
                channel_id=proposed.channel,
                proposed_transaction=proposed.signed,
                target_organizations=organisations,
            ),
        )

    def endorse(self, proposed: Proposed, *organisations: str) -> Outcome:
        return self._call(
            "Endorse",
            gw.EndorseRequest(
                transaction_id=proposed.transaction,
                channel_id=proposed.channel,
                proposed_transaction=proposed.signed,
                endorsing_organizations=organisations,
            ),
        )

    def prepared(self, proposed: Proposed, *organisations: str) -> Envelope:
        """The endorsed transaction, not signed yet."""
        outcome = self.endorse(proposed, *organisations)
        assert outcome.code == "OK", outcome
        return outcome.value.prepared_transaction

    def submit(self, channel: str, envelope: Envelope | None, seconds: float = WAIT_S) -> Outcome:
        return self._call("Submit", gw.SubmitRequest(channel_id=channel, prepared_transaction=envelope), seconds)

    def status(
        self,
        signer: Signer,
        channel: str,
        transaction: str,
        seconds: float = WAIT_S,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> Outcome:
        raw = gw.CommitStatusRequest(
            transaction_id=transaction, channel_id=channel, identity=signer.creator
        ).SerializeToString()
        signed = gw.SignedCommitStatusRequest(request=raw, signature=(sign or signer.sign)(raw))
        return self._call("CommitStatus", signed, seconds)

    def events(
        self,
        signer: Signer,
        channel: str,
        start: SeekPosition | None = None,
        after: str = "",
        seconds: float = WAIT_S,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> grpc.Call:
        raw = gw.ChaincodeEventsRequest(
            channel_id=channel,
            chaincode_id="sentrybox",
            identity=signer.creator,
            start_position=start,
            after_transaction_id=after,
        ).SerializeToString()
        signed = gw.SignedChaincodeEventsRequest(request=raw, signature=(sign or signer.sign)(raw))
        return self._stub.ChaincodeEvents(signed, timeout=seconds)

    def _call(self, method: str, request: Any, seconds: float = WAIT_S) -> Outcome:
        try:
            return Outcome("OK", "", (), getattr(self._stub, method)(request, timeout=seconds))
        except grpc.RpcError as error:
            return outcome(error)


def outcome(error: grpc.RpcError) -> Outcome:
    details = []
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in Status.FromString(value).details:
                detail = gw.ErrorDetail()
                assert packed.Unpack(detail)
                details.append((detail.msp_id, detail.message))
    return Outcome(error.code().name, error.details(), tuple(details))


@contextmanager
def caller(profile: Path, mspid: str) -> Iterator[Caller]:
    """The peer of one organisation, as the profile has it."""
    peer = next(peer for peer in ConnectionProfile.read(profile).peers if peer.mspid == mspid)
    credentials = grpc.ssl_channel_credentials((profile.parent / peer.tls_ca).read_bytes())
    with grpc.secure_channel(peer.address, credentials) as channel:
        yield Caller(channel)
