"""A signed proposal, taken apart and checked as an endorser does it."""

from typing import NamedTuple

from fabric_protos.common.common_pb2 import ENDORSER_TRANSACTION, ChannelHeader, Header, HeaderType, SignatureHeader
from fabric_protos.peer.chaincode_pb2 import ChaincodeInput, ChaincodeInvocationSpec
from fabric_protos.peer.proposal_pb2 import ChaincodeHeaderExtension, ChaincodeProposalPayload, Proposal, SignedProposal
from google.protobuf.message import DecodeError

from tests.standin import crypto
from tests.standin.policy import Membership, NotMember


class BadProposal(Exception):
    """The text is the peer's."""


class Unpacked(NamedTuple):
    signed: SignedProposal
    header: Header
    channel_header: ChannelHeader
    signature_header: SignatureHeader
    payload: ChaincodeProposalPayload
    called: str  # the chaincode in the header's extension: what an endorser goes by
    chaincode: str  # the chaincode in the payload: what the Gateway goes by
    input: ChaincodeInput

    @property
    def channel(self) -> str:
        return self.channel_header.channel_id

    @property
    def transaction(self) -> str:
        return self.channel_header.tx_id

    @property
    def public_payload(self) -> bytes:
        """The payload without transient data: what goes into the transaction and under its hash."""
        return ChaincodeProposalPayload(input=self.payload.input).SerializeToString()

    @property
    def hash(self) -> bytes:
        return crypto.sha256(self.header.channel_header + self.header.signature_header + self.public_payload)


def unpack(signed: SignedProposal) -> Unpacked:
    """Raises BadProposal."""
    try:
        proposal = Proposal.FromString(signed.proposal_bytes)
        header = Header.FromString(proposal.header)
        channel_header = ChannelHeader.FromString(header.channel_header)
        signature_header = SignatureHeader.FromString(header.signature_header)
        extension = ChaincodeHeaderExtension.FromString(channel_header.extension)
        payload = ChaincodeProposalPayload.FromString(proposal.payload)
        spec = ChaincodeInvocationSpec.FromString(payload.input).chaincode_spec
    except DecodeError as error:
        raise BadProposal("error unmarshalling Proposal: proto: cannot parse invalid wire-format data") from error
    called = extension.chaincode_id.name
    return Unpacked(
        signed, header, channel_header, signature_header, payload, called, spec.chaincode_id.name, spec.input
    )


def validate(proposal: Unpacked, membership: Membership) -> None:
    """Form, transaction id, creator and signature. Raises BadProposal.

    Not looked at, as by a real endorser behind a Gateway: the header's timestamp, and the certificate's time of expiry.
    """
    head, signature = proposal.channel_header, proposal.signature_header
    if not proposal.called:
        raise BadProposal("ChaincodeHeaderExtension.ChaincodeId.Name is empty")
    if head.type != ENDORSER_TRANSACTION:
        name = HeaderType.Name(head.type) if head.type in HeaderType.values() else str(head.type)
        raise BadProposal(f"error validating proposal: invalid header type {name}")
    if head.epoch != 0:
        raise BadProposal("error validating proposal: epoch is non-zero")
    if not signature.nonce:
        raise BadProposal("error validating proposal: nonce is empty")
    if not signature.creator:
        raise BadProposal("error validating proposal: creator is empty")
    expected = crypto.transaction_id(signature.nonce, signature.creator)
    if head.tx_id != expected:
        raise BadProposal(
            f"error validating proposal: incorrectly computed txid '{head.tx_id}' -- expected '{expected}'"
        )
    if not proposal.signed.signature:
        raise BadProposal("error validating proposal: empty signature bytes")
    denied = f"error validating proposal: access denied: channel [{proposal.channel}] creator org "
    try:
        mspid, _ = membership.known(signature.creator)
    except NotMember:
        raise BadProposal(f"{denied}unknown, creator is malformed") from None
    try:
        member = membership.member(signature.creator)
    except NotMember:
        raise BadProposal(f"{denied}[{mspid}]") from None
    if not member.signed(proposal.signed.proposal_bytes, proposal.signed.signature):
        raise BadProposal(f"{denied}[{mspid}]")
