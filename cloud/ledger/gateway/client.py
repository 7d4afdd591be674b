"""The Fabric Gateway's five calls, over one or several peers.

Service: fabric-protos gateway/gateway.proto (gateway.Gateway). Its Submit means "an orderer took it", which a killed
orderer may forget; only a commit status says that a transaction is there.
"""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import grpc
from fabric_protos.common.common_pb2 import Envelope
from fabric_protos.gateway.gateway_pb2 import (
    ChaincodeEventsRequest,
    CommitStatusRequest,
    EndorseRequest,
    EvaluateRequest,
    SignedChaincodeEventsRequest,
    SignedCommitStatusRequest,
    SubmitRequest,
)
from fabric_protos.orderer.ab_pb2 import SeekPosition, SeekSpecified
from fabric_protos.peer.transaction_pb2 import VALID
from google.protobuf.message import DecodeError

from cloud.ledger.gateway.connection import Peer, PeerConnection, fittest_first
from cloud.ledger.gateway.failures import GatewayError, TransactionInvalid, validation_name
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.proposal import TransactionProposal

# Fewer than a peer serves at a time (500 by default): event streams and other clients need some too.
IN_FLIGHT = 256
# Between two attempts at a peer that is full, and between two rounds of settle(); doubled up to the second figure.
PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
# How long settle() waits for a block before it sends the envelope again: above usual batch timeouts, since each repeat
# takes a place in a block. Shorter where nothing was sent: then it only asks whether an earlier sending came through.
BLOCK_S = 3.0
GLANCE_S = 0.5
SUBMIT_S = 5.0


class Endorsed(NamedTuple):
    """A transaction ready to be submitted. envelope: serialised, signed common.Envelope. result: the chaincode's."""

    transaction: str
    envelope: bytes
    result: bytes


class Commit(NamedTuple):
    """The end of a transaction. code, name: peer.TxValidationCode (0, "VALID"). block: number of its block."""

    code: int
    name: str
    block: int


class Gateway:
    """A client of the Gateway service of several peers. All methods may be called from any thread.

    A call goes to the first peer that is fit; where that one is UNAVAILABLE or its chaincode is away, to the next,
    within the same deadline. Who failed is asked last for a while. Every method raises GatewayError.
    """

    def __init__(self, peers: Sequence[Peer | PeerConnection]) -> None:
        """Connects when first used. A PeerConnection is shared with its other users."""
        if not peers:
            raise ValueError("a gateway needs at least one peer")
        self._connections = tuple(peer if isinstance(peer, PeerConnection) else PeerConnection(peer) for peer in peers)
        self._slots = threading.BoundedSemaphore(IN_FLIGHT)

    def evaluate(self, identity: Identity, channel: str, chaincode: str, function: str, *args: str,
                 timeout_s: float = 5) -> bytes:
        """Return what a chaincode function returns at one peer; nothing is written. The identity needs the channel's
        Writers policy, odd as that is (ACL peer/Propose).
        """
        check_validity(identity, "evaluate")
        proposal = TransactionProposal(identity, channel, chaincode, function, args)
        request = EvaluateRequest(transaction_id=proposal.transaction, channel_id=channel,
                                  proposed_transaction=proposal.signed)
        return bytes(self._call("evaluate", proposal.transaction, request, timeout_s).result.payload)

    def endorse(self, identity: Identity, channel: str, chaincode: str, function: str, *args: str,
                organisations: Sequence[str] = (), timeout_s: float = 15) -> Endorsed:
        """Runs a chaincode function and signs what it would write; nothing is sent to the orderer. organisations: MSP
        ids that must endorse; none: whatever satisfies the chaincode's policy, from the peer's point of view."""
        check_validity(identity, "endorse")
        proposal = TransactionProposal(identity, channel, chaincode, function, args)
        request = EndorseRequest(transaction_id=proposal.transaction, channel_id=channel,
                                 proposed_transaction=proposal.signed, endorsing_organizations=organisations)
        answer = self._call("endorse", proposal.transaction, request, timeout_s)
        return Endorsed(proposal.transaction, *proposal.envelope(answer.prepared_transaction, identity))

    def submit(self, channel: str, transaction: str, envelope: bytes, timeout_s: float = SUBMIT_S) -> None:
        """Hands an envelope to an orderer. Returning means that it was taken, not that it is durable: ask
        commit_status, and send the same envelope again if there is no answer."""
        try:
            prepared = Envelope.FromString(envelope)
        except DecodeError as error:
            raise GatewayError("submit", transaction, grpc.StatusCode.INVALID_ARGUMENT,
                               f"these {len(envelope)} bytes are no envelope; nothing was sent") from error
        request = SubmitRequest(transaction_id=transaction, channel_id=channel, prepared_transaction=prepared)
        self._call("submit", transaction, request, timeout_s)

    def commit_status(self, identity: Identity, channel: str, transaction: str, timeout_s: float) -> Commit:
        """Waits until a block holds the transaction, and says how that ended; the first time, if it was sent
        repeatedly. No block within timeout_s: GatewayError with retry (DEADLINE_EXCEEDED or CANCELLED, as the peer
        likes)."""
        check_validity(identity, "commit status")
        asked = CommitStatusRequest(transaction_id=transaction, channel_id=channel,
                                    identity=identity.creator).SerializeToString()
        request = SignedCommitStatusRequest(request=asked, signature=identity.sign(asked))
        answer = self._call("commit status", transaction, request, timeout_s)
        return Commit(answer.result, validation_name(answer.result), answer.block_number)

    def settle(self, identity: Identity, channel: str, transaction: str, envelope: bytes, wait_s: float) -> Commit:
        """Submits an envelope, again and again, until it is in a block: the returned Commit is VALID. However often it
        is called with the same envelope, also by a process started later, it takes effect at most once.

        Raises TransactionInvalid when it is in a block without effect (a new proposal may help), and the last
        GatewayError when wait_s is over or asking again cannot help; whatever that error is, the transaction may still
        come through, so keep the envelope."""
        end, pause = time.monotonic() + wait_s, PAUSE_S
        while True:
            refused = self._try_submit(channel, transaction, envelope, _within(SUBMIT_S, end))
            glance = GLANCE_S if refused else BLOCK_S
            try:
                commit = self.commit_status(identity, channel, transaction, _within(glance, end))
            except GatewayError as error:
                if not error.retry:
                    raise
                failure = refused or error
            else:
                if commit.code != VALID:
                    raise TransactionInvalid(transaction, commit.code, commit.block)
                return commit
            if not failure.retry or time.monotonic() + pause >= end:
                raise failure
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def open_events(self, identity: Identity, channel: str, chaincode: str, start: int) -> grpc.Call:
        """Return the raw stream of gateway.ChaincodeEventsResponse from block `start` on, at the fittest peer, without
        a deadline; it raises grpc.RpcError while it is read. events.EventStream is what to use.
        """
        check_validity(identity, "events")
        asked = ChaincodeEventsRequest(
            channel_id=channel, chaincode_id=chaincode, identity=identity.creator,
            start_position=SeekPosition(specified=SeekSpecified(number=start))).SerializeToString()
        request = SignedChaincodeEventsRequest(request=asked, signature=identity.sign(asked))
        return fittest_first(self._connections)[0].stub.ChaincodeEvents(request)

    def one_by_one(self) -> "list[Gateway]":
        """Return a gateway per peer over the same connections, the fittest first: what it is asked goes to no other
        peer.
        """
        return [Gateway([connection]) for connection in fittest_first(self._connections)]

    def failed(self) -> None:
        """Ask these peers last for a while: something that was opened on them broke."""
        for connection in self._connections:
            connection.failed()

    def close(self) -> None:
        """Ends all calls and streams under way."""
        for connection in self._connections:
            connection.close()

    def _try_submit(self, channel: str, transaction: str, envelope: bytes, timeout_s: float) -> GatewayError | None:
        try:
            self.submit(channel, transaction, envelope, timeout_s)
        except GatewayError as error:
            return error
        return None

    def _call(self, step: str, transaction: str, request: Any, timeout_s: float) -> Any:
        """Make one call, at each peer until one answers, all within timeout_s."""
        end, pause = time.monotonic() + timeout_s, PAUSE_S
        with self._slot(step, transaction, timeout_s):
            while True:
                failures = []
                for connection, share in _shares(fittest_first(self._connections), step, end):
                    try:
                        return connection.ask(step, transaction, request, share)
                    except GatewayError as failure:
                        if not failure.elsewhere:
                            raise
                        failures.append(failure)
                if not all(failure.overloaded for failure in failures) or time.monotonic() + pause >= end:
                    # the one that says most: an answer about the orderers rather than "connection refused"
                    raise max(failures, key=lambda failure: bool(failure.details))
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    @contextmanager
    def _slot(self, step: str, transaction: str, timeout_s: float) -> Iterator[None]:
        if not self._slots.acquire(timeout=timeout_s):
            raise GatewayError(step, transaction, grpc.StatusCode.RESOURCE_EXHAUSTED,
                               f"{IN_FLIGHT} calls are under way already, for {timeout_s:g} s; nothing was sent")
        try:
            yield
        finally:
            self._slots.release()


def check_validity(identity: Identity, step: str) -> None:
    """Raise GatewayError (UNAUTHENTICATED) when the certificate is not valid now: peers then answer with a bare
    "access denied" that sends people looking in the wrong place."""
    now = datetime.now(UTC)
    if now >= identity.not_after:
        days = (now - identity.not_after).days
        why = f"expired {days} days ago, on {identity.not_after:%Y-%m-%d %H:%M} UTC; have a new one issued"
    elif now < identity.not_before:
        why = f"is valid only from {identity.not_before:%Y-%m-%d %H:%M} UTC on; is this machine's clock right?"
    else:
        return
    raise GatewayError(step, "", grpc.StatusCode.UNAUTHENTICATED,
                       f"the certificate of {identity.name} ({identity.mspid}) {why}")


def _within(seconds: float, end: float) -> float:
    return max(0.001, min(seconds, end - time.monotonic()))


def _shares(connections: list[PeerConnection], step: str, end: float) -> Iterator[tuple[PeerConnection, float]]:
    """Yield each connection with the seconds it may take: half of what is left while there are others to try, so that a
    peer that hangs does not use up everything; all of it where waiting is what is asked for.
    """
    for place, connection in enumerate(connections, start=1):
        left = _within(math.inf, end)
        yield connection, left if step == "commit status" or place == len(connections) else left / 2
