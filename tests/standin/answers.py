"""Failures as a peer answers them: a gRPC status, a message, and a google.rpc.Status with gateway.ErrorDetails."""

from typing import NamedTuple, NoReturn

import grpc
from fabric_protos.gateway.gateway_pb2 import ErrorDetail
from google.protobuf.any_pb2 import Any
from google.rpc.status_pb2 import Status


class Node(NamedTuple):
    """Where an answer came from."""

    mspid: str
    address: str

    def says(self, message: str) -> ErrorDetail:
        return ErrorDetail(msp_id=self.mspid, address=self.address, message=message)

    def refused(self) -> str:
        """What gRPC in Go says of a node that does not listen."""
        return (
            'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
            f'dial tcp {self.address}: connect: connection refused"'
        )


class Failure(Exception):
    def __init__(self, code: grpc.StatusCode, message: str, details: tuple[ErrorDetail, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


def abort(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    """Ends the call with the failure. The details travel only where there are any, as in Go."""
    if failure.details:
        status = Status(code=failure.code.value[0], message=failure.message)
        for detail in failure.details:
            packed = Any()
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(failure.code, failure.message)
