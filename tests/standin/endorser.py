"""Runs a proposal at one peer: checks, chaincode, read/write set, endorsement."""

from typing import NamedTuple

import grpc
from fabric_protos.peer.chaincode_event_pb2 import ChaincodeEvent
from fabric_protos.peer.chaincode_pb2 import ChaincodeID
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage
from fabric_protos.peer.proposal_pb2 import ChaincodeAction
from fabric_protos.peer.proposal_response_pb2 import (
    Endorsement,
    ProposalResponse,
    ProposalResponsePayload,
    Response,
)
from google.protobuf.message import DecodeError

from tests.standin import qscc
from tests.standin.chaincode import ChaincodeFailed, Link
from tests.standin.crypto import Signer
from tests.standin.ledger import Ledger
from tests.standin.policy import Channel, Denied
from tests.standin.proposal import BadProposal, Unpacked, validate
from tests.standin.requests import Running
from tests.standin.state import Simulation

CHAINCODE, VERSION = "sentrybox", "1"
SEQUENCE = ("_lifecycle", f"namespaces/fields/{CHAINCODE}/Sequence")
OK, THRESHOLD = 200, 400


class Answer(NamedTuple):
    """What one peer made of a proposal. code OK: `response` holds the endorsement; elsewhere: another peer may do."""

    code: grpc.StatusCode
    message: str
    elsewhere: bool
    response: ProposalResponse


class Endorser:
    def __init__(self, signer: Signer, link: Link, channels: dict[str, Channel], ledgers: dict[str, Ledger]) -> None:
        self._signer, self._link = signer, link
        self._channels, self._ledgers = channels, ledgers

    def process(self, proposal: Unpacked) -> Answer:
        """Never raises for what a client or a chaincode does."""
        try:
            self._check(proposal)
        except (BadProposal, Denied) as error:
            return Answer(grpc.StatusCode.FAILED_PRECONDITION, str(error), False, ProposalResponse())
        try:
            response, results, event = self._run(proposal)
        except ChaincodeFailed as failed:
            return Answer(grpc.StatusCode.ABORTED, str(failed), True, ProposalResponse())
        if response.status >= THRESHOLD:
            message = f"chaincode response {response.status}, {response.message}"
            return Answer(grpc.StatusCode.UNKNOWN, message, False, ProposalResponse())
        version = VERSION if proposal.called == CHAINCODE else "syscc"
        action = ChaincodeAction(
            results=results,
            events=event,
            response=response,
            chaincode_id=ChaincodeID(name=proposal.called, version=version),
        )
        payload = ProposalResponsePayload(
            proposal_hash=proposal.hash, extension=action.SerializeToString()
        ).SerializeToString()
        creator = self._signer.creator
        endorsement = Endorsement(endorser=creator, signature=self._signer.sign(payload + creator))
        endorsed = ProposalResponse(version=1, response=response, payload=payload, endorsement=endorsement)
        return Answer(grpc.StatusCode.OK, "", False, endorsed)

    def _check(self, proposal: Unpacked) -> None:
        channel = self._channels[proposal.channel]
        validate(proposal, channel.membership)
        creator = proposal.signature_header.creator
        if self._ledgers[proposal.channel].place(proposal.transaction) is not None:
            raise BadProposal(f"duplicate transaction found [{proposal.transaction}]. Creator [{creator.hex()}]")
        if proposal.called != qscc.NAME:
            channel.acl("Writers", creator, proposal.signed.proposal_bytes, proposal.signed.signature)

    def _run(self, proposal: Unpacked) -> tuple[Response, bytes, bytes]:
        """The chaincode's response, the read/write set, the event. Raises ChaincodeFailed."""
        if proposal.called not in (CHAINCODE, qscc.NAME):
            where = f"chaincode {proposal.called} has been successfully defined on channel {proposal.channel}"
            raise ChaincodeFailed(f"make sure the {where} and try again: chaincode {proposal.called} not found")
        if proposal.called == qscc.NAME:
            return qscc.invoke(proposal, self._channels, self._ledgers), b"", b""
        simulation = Simulation(self._ledgers[proposal.channel].state)
        simulation.get(*SEQUENCE)  # a peer looks up the chaincode's definition in the same simulation
        message = ChaincodeMessage(
            type=ChaincodeMessage.TRANSACTION,
            payload=proposal.input.SerializeToString(),
            txid=proposal.transaction,
            channel_id=proposal.channel,
            proposal=proposal.signed,
        )
        failed = f"error in simulation: failed to execute transaction {proposal.transaction}: "
        try:
            answer = self._link.execute(message, Running(proposal.called, simulation))
        except ChaincodeFailed as error:
            raise ChaincodeFailed(f"{failed}{error}") from None
        if answer.type == ChaincodeMessage.ERROR:
            said = answer.payload.decode(errors="replace")
            raise ChaincodeFailed(f"error in simulation: transaction returned with failure: {said}")
        try:
            response = Response.FromString(answer.payload)
        except DecodeError as error:
            raise ChaincodeFailed(f"{failed}the response cannot be read: {error}") from error
        event = b""
        if response.status < THRESHOLD and answer.HasField("chaincode_event"):
            event = ChaincodeEvent(
                chaincode_id=proposal.called,
                tx_id=proposal.transaction,
                event_name=answer.chaincode_event.event_name,
                payload=answer.chaincode_event.payload,
            ).SerializeToString()
        return response, simulation.results(), event
