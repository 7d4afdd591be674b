"""What a peer prepared is signed only when it is what was asked for."""

import hashlib

import grpc
import pytest
from fabric_protos.common.common_pb2 import ChannelHeader, Envelope, Header, Payload, SignatureHeader
from fabric_protos.peer.chaincode_pb2 import ChaincodeInvocationSpec
from fabric_protos.peer.proposal_pb2 import ChaincodeAction, ChaincodeProposalPayload, Proposal
from fabric_protos.peer.proposal_response_pb2 import Endorsement, ProposalResponsePayload, Response
from fabric_protos.peer.transaction_pb2 import (
    ChaincodeActionPayload,
    ChaincodeEndorsedAction,
    Transaction,
    TransactionAction,
)

from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.proposal import TransactionProposal


@pytest.fixture
def proposal(identity):
    return TransactionProposal(identity, "general", "sentrybox", "Record", ("a", "b"))


def prepared(proposal, change=None):
    """As an honest peer makes it; change(parts) may falsify a part before all is packed."""
    sent = Proposal.FromString(proposal.signed.proposal_bytes)
    parts = {
        "header": Header.FromString(sent.header), "input": ChaincodeProposalPayload.FromString(sent.payload).input,
        "response": Response(status=200, payload=b"result"), "endorsements": [Endorsement(signature=b"s")],
        "actions": 1,
    }
    if change:
        change(parts)
    outcome = ProposalResponsePayload(extension=ChaincodeAction(response=parts["response"]).SerializeToString())
    action = ChaincodeActionPayload(
        chaincode_proposal_payload=ChaincodeProposalPayload(input=parts["input"]).SerializeToString(),
        action=ChaincodeEndorsedAction(proposal_response_payload=outcome.SerializeToString(),
                                       endorsements=parts["endorsements"]))
    one = TransactionAction(header=parts["header"].signature_header, payload=action.SerializeToString())
    data = Transaction(actions=[one] * parts["actions"]).SerializeToString()
    return Envelope(payload=Payload(header=parts["header"], data=data).SerializeToString())


def test_proposal_is_what_was_asked(identity, proposal):
    sent = Proposal.FromString(proposal.signed.proposal_bytes)
    header = Header.FromString(sent.header)
    channel = ChannelHeader.FromString(header.channel_header)
    creator = SignatureHeader.FromString(header.signature_header)
    assert (channel.channel_id, channel.tx_id, channel.epoch) == ("general", proposal.transaction, 0)
    assert creator.creator == identity.creator
    assert len(creator.nonce) == 24
    assert proposal.transaction == hashlib.sha256(creator.nonce + creator.creator).hexdigest()
    spec = ChaincodeInvocationSpec.FromString(ChaincodeProposalPayload.FromString(sent.payload).input).chaincode_spec
    assert spec.chaincode_id.name == "sentrybox"
    assert list(spec.input.args) == [b"Record", b"a", b"b"]


def test_each_proposal_has_an_id_of_its_own(identity):
    made = {TransactionProposal(identity, "general", "sentrybox", "Get", ("a",)).transaction for _ in range(50)}
    assert len(made) == 50


def test_honest_peer_gets_our_signature(identity, proposal):
    given = prepared(proposal)
    envelope, result = proposal.envelope(given, identity)
    assert result == b"result"
    assert Envelope.FromString(envelope).payload == given.payload
    assert Envelope.FromString(envelope).signature


def other_channel(parts):
    header = ChannelHeader.FromString(parts["header"].channel_header)
    header.channel_id = "police"
    parts["header"].channel_header = header.SerializeToString()


def other_nonce(parts):
    header = SignatureHeader.FromString(parts["header"].signature_header)
    header.nonce = b"n" * 24
    parts["header"].signature_header = header.SerializeToString()


FALSIFIED = {
    "channel header": other_channel,
    "creator or nonce": other_nonce,
    "function or arguments": lambda parts: parts.update(input=parts["input"].replace(b"Record", b"Forget")),
    "2 actions": lambda parts: parts.update(actions=2),
    "0 actions": lambda parts: parts.update(actions=0),
    "0 endorsements": lambda parts: parts.update(endorsements=[]),
    "chaincode status 500": lambda parts: parts.update(response=Response(status=500)),
}


@pytest.mark.parametrize("what", FALSIFIED)
def test_anything_else_is_not_signed(identity, proposal, what):
    given = prepared(proposal, FALSIFIED[what])
    with pytest.raises(GatewayError, match=what) as caught:
        proposal.envelope(given, identity)
    assert caught.value.code is grpc.StatusCode.DATA_LOSS
    assert not caught.value.retry
    assert not given.signature


def test_unreadable_answer_is_not_signed(identity, proposal):
    with pytest.raises(GatewayError, match="cannot be read"):
        proposal.envelope(Envelope(payload=b"\xff\xff"), identity)
