"""A transaction proposal, and the look at what came back before it is signed.

Messages: fabric-protos common/common.proto, peer/proposal.proto, peer/transaction.proto.
"""

import hashlib
import os

import grpc
from fabric_protos.common.common_pb2 import (
    ENDORSER_TRANSACTION,
    ChannelHeader,
    Envelope,
    Header,
    Payload,
    SignatureHeader,
)
from fabric_protos.peer.chaincode_pb2 import ChaincodeID, ChaincodeInput, ChaincodeInvocationSpec, ChaincodeSpec
from fabric_protos.peer.proposal_pb2 import (
    ChaincodeAction,
    ChaincodeHeaderExtension,
    ChaincodeProposalPayload,
    Proposal,
    SignedProposal,
)
from fabric_protos.peer.proposal_response_pb2 import ProposalResponsePayload, Response
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction
from google.protobuf.message import DecodeError

from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import Identity

NONCE_BYTES = 24


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """Return the hex SHA-256 of both: nobody can give the same id to another transaction."""
    return hashlib.sha256(nonce + creator).hexdigest()


class TransactionProposal:
    """A call of a chaincode function, signed. transaction: its id."""

    def __init__(self, identity: Identity, channel: str, chaincode: str, function: str, args: tuple[str, ...]) -> None:
        nonce = os.urandom(NONCE_BYTES)
        self.transaction = transaction_id(nonce, identity.creator)
        called = ChaincodeID(name=chaincode)
        channel_header = ChannelHeader(
            type=ENDORSER_TRANSACTION, channel_id=channel, tx_id=self.transaction,
            extension=ChaincodeHeaderExtension(chaincode_id=called).SerializeToString())
        channel_header.timestamp.GetCurrentTime()
        self._header = Header(
            channel_header=channel_header.SerializeToString(),
            signature_header=SignatureHeader(creator=identity.creator, nonce=nonce).SerializeToString())
        self._input = ChaincodeInvocationSpec(chaincode_spec=ChaincodeSpec(
            type=ChaincodeSpec.GOLANG, chaincode_id=called,
            input=ChaincodeInput(args=[part.encode() for part in (function, *args)]))).SerializeToString()
        proposal = Proposal(
            header=self._header.SerializeToString(),
            payload=ChaincodeProposalPayload(input=self._input).SerializeToString()).SerializeToString()
        self.signed = SignedProposal(proposal_bytes=proposal, signature=identity.sign(proposal))

    def envelope(self, prepared: Envelope, identity: Identity) -> tuple[bytes, bytes]:
        """Return the prepared transaction with our signature (common.Envelope, to be sent any number of times), and the
        chaincode's result. Raises GatewayError (DATA_LOSS) when it is not the transaction that was asked for: a peer
        must not get our signature under something else."""
        try:
            response = self._response(prepared)
        except DecodeError as error:
            raise self._not_ours(f"it cannot be read ({error})") from error
        prepared.signature = identity.sign(prepared.payload)
        return prepared.SerializeToString(), response.payload

    def _response(self, prepared: Envelope) -> Response:
        payload = Payload.FromString(prepared.payload)
        if payload.header.channel_header != self._header.channel_header:
            raise self._not_ours("its channel header is another")
        if payload.header.signature_header != self._header.signature_header:
            raise self._not_ours("its creator or nonce is another")
        actions = Transaction.FromString(payload.data).actions
        if len(actions) != 1:
            raise self._not_ours(f"it has {len(actions)} actions instead of one")
        action = ChaincodeActionPayload.FromString(actions[0].payload)
        if ChaincodeProposalPayload.FromString(action.chaincode_proposal_payload).input != self._input:
            raise self._not_ours("its function or arguments are others")
        outcome = ProposalResponsePayload.FromString(action.action.proposal_response_payload)
        response = ChaincodeAction.FromString(outcome.extension).response
        if not action.action.endorsements or not 200 <= response.status < 400:
            raise self._not_ours(f"{len(action.action.endorsements)} endorsements, chaincode status {response.status}")
        return response

    def _not_ours(self, why: str) -> GatewayError:
        return GatewayError("endorse", self.transaction, grpc.StatusCode.DATA_LOSS,
                            f"the peer prepared something else than was asked for, so it was not signed: {why}")
