"""The connection to one peer, and how fit that peer is."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from fabric_protos.gateway.gateway_pb2_grpc import GatewayStub

from cloud.ledger.gateway.failures import GatewayError, SetupError

# A peer that failed is asked last for so long; doubled each time, up to the second figure.
REST_S = 1.0
LONGEST_REST_S = 30.0
METHODS = {"evaluate": "Evaluate", "endorse": "Endorse", "submit": "Submit", "commit status": "CommitStatus"}
OPTIONS = (
    # A stream of events may be silent for days: without pings a dead connection would look like a quiet channel. Peers
    # refuse pings more often than every 30 s (keepalive.minInterval).
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 100 << 20),  # a block; Fabric's own limit
    # The first is also how long one attempt to connect may take: TLS on a busy machine needs more than a moment.
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
)


@dataclass(frozen=True)
class Peer:
    """The address of a peer's Gateway service. address: host:port. tls_ca: PEM of the CA certificates that its TLS
    certificate must come from. server_name: the name in that certificate where it is not the address's. mspid: its
    organisation, for people."""

    address: str
    tls_ca: bytes
    server_name: str | None = None
    mspid: str = ""


class PeerConnection:
    """One gRPC channel to a peer, made when it is first used. Thread-safe."""

    def __init__(self, peer: Peer) -> None:
        if b"-----BEGIN CERTIFICATE-----" not in peer.tls_ca:
            raise SetupError(f"peer {peer.address}: its TLS authority is not a PEM certificate")
        named = (("grpc.ssl_target_name_override", peer.server_name),) if peer.server_name else ()
        self.peer = peer
        self._channel = grpc.secure_channel(
            peer.address, grpc.ssl_channel_credentials(peer.tls_ca), options=(*OPTIONS, *named))
        self.stub = GatewayStub(self._channel)
        self._failed = 0
        self._rests_until = 0.0

    def ask(self, step: str, transaction: str, request: Any, timeout_s: float) -> Any:
        """Return the answer to one call. Raises GatewayError."""
        try:
            answer = getattr(self.stub, METHODS[step])(request, timeout=timeout_s)
        except grpc.RpcError as error:
            failure = GatewayError.of(step, transaction, error)
            if failure.elsewhere and not failure.beyond:
                self.failed()
            elif not failure.retry:
                self.answered()
            raise failure from error
        except ValueError as error:  # gRPC's word for a channel that was closed
            raise GatewayError(step, transaction, grpc.StatusCode.FAILED_PRECONDITION,
                               "this gateway was closed") from error
        self.answered()
        return answer

    def failed(self) -> None:
        """Note that it did not answer: others go first for a while."""
        self._rests_until = time.monotonic() + min(REST_S * 2**self._failed, LONGEST_REST_S)
        self._failed = min(self._failed + 1, 10)

    def answered(self) -> None:
        """Note that it is fit."""
        if self._failed:
            self._failed = 0
            self._rests_until = 0.0

    def rest(self) -> float:
        """Return how long others go first, seconds; 0: it takes its turn."""
        return max(0.0, self._rests_until - time.monotonic())

    def close(self) -> None:
        """End everything that is under way on it."""
        self._channel.close()


def fittest_first(connections: Iterable[PeerConnection]) -> list[PeerConnection]:
    """Return the connections in their given order, those that rest last."""
    return sorted(connections, key=PeerConnection.rest)
