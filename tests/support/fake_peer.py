"""A PeerConnection whose peer is a list of answers: for what the client decides by itself, without a network."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
from fabric_protos.gateway.gateway_pb2 import ErrorDetail
from google.rpc.status_pb2 import Status

from cloud.ledger.gateway.connection import PeerConnection

METHODS = ("Evaluate", "Endorse", "Submit", "CommitStatus", "ChaincodeEvents")


class Failed(grpc.RpcError):
    """As gRPC raises it. details: (mspid, address, message) of each ErrorDetail."""

    def __init__(self, code: grpc.StatusCode, message: str = "", *details: tuple[str, str, str],
                 packed: bytes | None = None) -> None:
        status = Status()
        for mspid, address, text in details:
            status.details.add().Pack(ErrorDetail(msp_id=mspid, address=address, message=text))
        self._code, self._message = code, message
        self._packed = status.SerializeToString() if packed is None else packed

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._message

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return (("grpc-status-details-bin", self._packed),) if self._packed else ()


class FakePeer(PeerConnection):
    """answers: what each call gets in turn, an exception to raise, a message to return or a function of the request;
    the last one again and again. calls: (method, request, timeout in s) of all calls."""

    def __init__(self, answers: Iterable[Any]) -> None:
        self._answers = list(answers)
        self._failed, self._rests_until = 0, 0.0
        self.calls: list[tuple[str, Any, float | None]] = []
        self.closed = False
        self.stub = self

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method not in METHODS:
            raise AttributeError(method)

        def call(request: Any, timeout: float | None = None) -> Any:
            self.calls.append((method, request, timeout))
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer(request) if callable(answer) else answer

        return call

    def close(self) -> None:
        self.closed = True


class FakeStream:
    """Of ChaincodeEvents: gives its answers, then raises `end`."""

    def __init__(self, answers: Iterable[Any], end: Exception) -> None:
        self._answers, self._end = list(answers), end
        self.cancelled = False

    def __iter__(self) -> Iterator[Any]:
        yield from self._answers
        raise self._end

    def cancel(self) -> None:
        self.cancelled = True
