"""The Gateway service of one peer (fabric-protos gateway/gateway.proto), with the answers of Fabric 2.5."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import grpc
from fabric_protos.common.common_pb2 import Envelope, Header, Payload, Status
from fabric_protos.gateway import gateway_pb2 as gw
from fabric_protos.gateway.gateway_pb2_grpc import GatewayServicer
from fabric_protos.peer.proposal_pb2 import ChaincodeAction, SignedProposal
from fabric_protos.peer.proposal_response_pb2 import ProposalResponse, ProposalResponsePayload, Response
from fabric_protos.peer.transaction_pb2 import (
    ChaincodeActionPayload,
    ChaincodeEndorsedAction,
    Transaction,
    TransactionAction,
)
from google.protobuf.message import DecodeError

from tests.standin import events, qscc
from tests.standin.access import check_readers
from tests.standin.answers import Failure, Node, abort
from tests.standin.endorser import CHAINCODE
from tests.standin.orderer import Orderer
from tests.standin.policy import Channel
from tests.standin.proposal import BadProposal, Unpacked, unpack

if TYPE_CHECKING:
    from tests.standin.peer import Peer

LIMIT = 500  # peer.limits.concurrency.gatewayService
ORDERER = Node("OrdererMSP", "127.0.0.1:7050")
# A real peer's answer to a deadline reaches the client as one or the other; about one in seven is CANCELLED.
CANCELLED_EVERY = 7
# How long before the client's deadline the answer leaves, so that it is the server's that arrives.
MARGIN_S = 0.02
C = grpc.StatusCode


class Gateway(GatewayServicer):
    def __init__(self, peer: "Peer", channels: dict[str, Channel], orderer: Orderer) -> None:
        self._peer, self._channels, self._orderer = peer, channels, orderer
        self._slots = threading.Semaphore(LIMIT)
        self._timeouts = 0
        for method in ("Evaluate", "Endorse", "Submit", "CommitStatus"):
            setattr(self, method, self._limited(getattr(self, f"_{method.lower()}")))

    def ChaincodeEvents(
        self, request: gw.SignedChaincodeEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[gw.ChaincodeEventsResponse]:
        """A cancelled stream keeps its slot until its channel's next event, as at a real peer."""
        if not self._slots.acquire(blocking=False):
            abort(context, _too_many())
        try:
            yield from events.stream(request, context, self._channels, self._peer)
        except Failure as failure:
            abort(context, failure)
        finally:
            self._slots.release()

    def _limited(self, method: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            if not self._slots.acquire(blocking=False):
                abort(context, _too_many())
            try:
                return method(request, context)
            except Failure as failure:
                abort(context, failure)
            finally:
                self._slots.release()

        return call

    def _evaluate(self, request: gw.EvaluateRequest, context: grpc.ServicerContext) -> gw.EvaluateResponse:
        try:
            proposal = _complete(request.proposed_transaction)
        except BadProposal as error:
            raise Failure(C.INVALID_ARGUMENT, f"failed to unpack transaction proposal: {error}") from None
        name = proposal.channel
        if name not in self._channels:
            raise Failure(C.UNAVAILABLE, _no_config(name))
        peers = self._with_chaincode(proposal.chaincode, list(request.target_organizations))
        if not peers:
            message = f"no peers available to evaluate chaincode {proposal.chaincode} in channel {name}"
            raise Failure(C.FAILED_PRECONDITION, message)
        details = []
        for peer in peers:
            if not peer.alive:
                details.append(peer.node.says(peer.node.refused()))
                code = C.UNAVAILABLE
                continue
            answer = peer.process(proposal)
            if answer.code is C.OK:
                return gw.EvaluateResponse(result=_result(answer.response))
            details.append(peer.node.says(answer.message))
            code = answer.code
            if not answer.elsewhere:
                message = f"evaluate call to endorser returned error: {answer.message}"
                raise Failure(code, message, tuple(details))
        raise Failure(code, "failed to evaluate transaction, see attached details for more info", tuple(details))

    def _endorse(self, request: gw.EndorseRequest, context: grpc.ServicerContext) -> gw.EndorseResponse:
        if not request.proposed_transaction.proposal_bytes:
            raise Failure(C.INVALID_ARGUMENT, "the proposed transaction must contain a signed proposal")
        try:
            proposal = unpack(request.proposed_transaction)
        except BadProposal as error:
            raise Failure(C.INVALID_ARGUMENT, str(error)) from None
        wanted = list(request.endorsing_organizations)
        known = proposal.channel in self._channels
        peers = self._with_chaincode(proposal.chaincode, wanted or [self._peer.mspid]) if known else []
        missing = [mspid for mspid in wanted if mspid not in {peer.mspid for peer in peers}]
        if missing:
            raise Failure(C.UNAVAILABLE, f"failed to find any endorsing peers for org(s): {', '.join(missing)}")
        if not peers:
            raise _no_plan(proposal)
        endorsed, details = [], []
        for peer in peers:
            if not peer.alive:
                details.append(peer.node.says(peer.node.refused()))
                continue
            answer = peer.process(proposal)
            if answer.code is not C.OK:
                details.append(peer.node.says(answer.message))
            elif endorsed and endorsed[0].payload != answer.response.payload:
                details.append(peer.node.says("ProposalResponsePayloads do not match"))
            else:
                endorsed.append(answer.response)
        if len(endorsed) < len(peers):
            what = "collect enough transaction endorsements" if wanted else "endorse transaction"
            raise Failure(C.ABORTED, f"failed to {what}, see attached details for more info", tuple(details))
        if proposal.chaincode == qscc.NAME and not wanted:
            raise _no_plan(proposal)  # looked up after the first endorsement
        return gw.EndorseResponse(prepared_transaction=_prepared(proposal, endorsed))

    def _submit(self, request: gw.SubmitRequest, context: grpc.ServicerContext) -> gw.SubmitResponse:
        if not request.HasField("prepared_transaction"):
            raise Failure(C.INVALID_ARGUMENT, "a prepared transaction is required")
        if not request.prepared_transaction.signature:
            raise Failure(C.INVALID_ARGUMENT, "prepared transaction must be signed")
        if request.channel_id not in self._channels:
            name = request.channel_id
            raise Failure(C.FAILED_PRECONDITION, _no_config(name))
        if not self._orderer.alive:
            raise _no_orderer(ORDERER.refused())
        if self._orderer.hanging:
            _until_deadline(context, lambda: not self._orderer.hanging)
            raise Failure(C.DEADLINE_EXCEEDED, "submit timeout expired while broadcasting to ordering service")
        status, info = self._orderer.broadcast(request.prepared_transaction)
        if status == Status.SUCCESS:
            return gw.SubmitResponse()
        if 400 <= status < 500:
            message = f"received unsuccessful response from orderer: status={Status.Name(status)}, info={info}"
            raise Failure(C.ABORTED, message)
        raise Failure(C.UNAVAILABLE, "no orderers could successfully process transaction")

    def _commitstatus(
        self, signed: gw.SignedCommitStatusRequest, context: grpc.ServicerContext
    ) -> gw.CommitStatusResponse:
        if not signed.request:
            raise Failure(C.INVALID_ARGUMENT, "a commit status request is required")
        try:
            request = gw.CommitStatusRequest.FromString(signed.request)
        except DecodeError as error:
            raise Failure(C.INVALID_ARGUMENT, f"invalid status request: {error}") from error
        check_readers(self._channels, request.channel_id, request.identity, signed.request, signed.signature)
        ledger = self._peer.ledgers[request.channel_id]
        left = context.time_remaining()
        context.add_callback(ledger.wake)
        ledger.wait(
            lambda: ledger.place(request.transaction_id) is not None or not context.is_active(),
            None if left is None else max(0.0, left - MARGIN_S),
        )
        place = ledger.place(request.transaction_id)
        if place is None:
            self._timeouts += 1
            if self._timeouts % CANCELLED_EVERY == 0:
                raise Failure(C.CANCELLED, "context canceled")
            _until_deadline(context, lambda: not self._peer.alive)
            raise Failure(C.DEADLINE_EXCEEDED, "context deadline exceeded")
        return gw.CommitStatusResponse(result=place.code, block_number=place.block)

    def _with_chaincode(self, chaincode: str, organisations: list[str]) -> list["Peer"]:
        """The peers that have it, our own first."""
        if chaincode not in (CHAINCODE, qscc.NAME):
            return []
        peers = [self._peer, *self._peer.others]
        return [peer for peer in peers if not organisations or peer.mspid in organisations]


def _result(endorsed: ProposalResponse) -> Response:
    payload = ProposalResponsePayload.FromString(endorsed.payload)
    result = Response()
    result.CopyFrom(endorsed.response)
    result.payload = ChaincodeAction.FromString(payload.extension).response.payload
    return result


def _prepared(proposal: Unpacked, endorsed: list[ProposalResponse]) -> Envelope:
    action = ChaincodeEndorsedAction(
        proposal_response_payload=endorsed[0].payload, endorsements=[each.endorsement for each in endorsed]
    )
    payload = ChaincodeActionPayload(chaincode_proposal_payload=proposal.public_payload, action=action)
    transaction = Transaction(
        actions=[TransactionAction(header=proposal.header.signature_header, payload=payload.SerializeToString())]
    )
    header = Header(
        channel_header=proposal.header.channel_header, signature_header=proposal.header.signature_header
    )
    return Envelope(payload=Payload(header=header, data=transaction.SerializeToString()).SerializeToString())


def _complete(signed: SignedProposal) -> Unpacked:
    """The proposal, with a channel and a chaincode named. Raises BadProposal."""
    if not signed.proposal_bytes:
        raise BadProposal("a signed proposal is required")
    proposal = unpack(signed)
    if not proposal.channel:
        raise BadProposal("no channel id provided")
    if not proposal.chaincode:
        raise BadProposal(f"no chaincode name is provided, channel id [{proposal.channel}]")
    return proposal


def _no_config(channel: str) -> str:
    return f"failed to get config for channel [{channel}]: could not get last config for channel {channel}"


def _no_plan(proposal: Unpacked) -> Failure:
    return Failure(
        C.FAILED_PRECONDITION,
        "no combination of peers can be derived which satisfy the endorsement policy: "
        f"No metadata was found for chaincode {proposal.chaincode} in channel {proposal.channel}",
    )


def _too_many() -> Failure:
    return Failure(C.UNKNOWN, f"too many requests for /gateway.Gateway, exceeding concurrency limit ({LIMIT})")


def _no_orderer(why: str) -> Failure:
    return Failure(C.UNAVAILABLE, "no orderers could successfully process transaction", (ORDERER.says(why),))


def _until_deadline(context: grpc.ServicerContext, ended: Callable[[], bool]) -> None:
    """Waits as a call that hangs does: until the client gives up, or ended()."""
    while context.is_active() and not ended():
        time.sleep(MARGIN_S)
