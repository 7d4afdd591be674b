"""The errors between us and a Fabric Gateway, with the peer's own words decoded.

Statuses and texts: `gateway/gateway.proto` (ErrorDetail), and what peers of Fabric 2.5 were seen to answer.
"""

import re
from typing import NamedTuple, Self

import grpc
from fabric_protos.gateway.gateway_pb2 import ErrorDetail
from fabric_protos.peer.transaction_pb2 import TxValidationCode
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

# Of a status that reads as final but passes: the peer is full, its chaincode or a peer behind it is away, or two peers
# differ in height.
PASSING = (
    "exceeding concurrency limit",
    "could not launch chaincode",
    "timeout expired while starting chaincode",
    "timeout expired while executing transaction",
    "chaincode stream terminated",
    "code = Unavailable",
    "code = DeadlineExceeded",
    "ProposalResponsePayloads do not match",
)
# Of a status that reads as passing but stays: the peer does not serve that channel.
LASTING = ("failed to get config for channel", "Failed to get policy manager for channel")
REFUSAL = re.compile(
    r"access denied|permission denied|creator org unknown|failed evaluating policy|failed to evaluate policy"
    r"|implicit policy evaluation failed|signature set did not satisfy|not authorized|certificate has expired"
    r"|client identity expired|identity expired|FORBIDDEN", re.IGNORECASE)
CHAINCODE_CODE = re.compile(r"chaincode response \d+, ([A-Z]+): ")


class SetupError(ValueError):
    """A profile, certificate or key that cannot be used; says which file and what is wrong with it."""


class Detail(NamedTuple):
    """The word of one peer or orderer: gateway.ErrorDetail."""

    mspid: str
    address: str
    message: str


class GatewayError(Exception):
    """A step did not succeed.

    step: "evaluate", "endorse", "submit", "commit status", "events" or "connect". transaction: its id (hex), "" where
    there is none. code: the gRPC status. message: the peer's, or ours when nothing was sent. details: one per peer or
    orderer that was asked on our behalf.
    """

    def __init__(self, step: str, transaction: str, code: grpc.StatusCode, message: str,
                 details: tuple[Detail, ...] = ()) -> None:
        said = "; ".join(f"{d.mspid} at {d.address}: {d.message}" for d in details)
        super().__init__(f"{step}: {code.name}: {message}{f' [{said}]' if said else ''}")
        self.step = step
        self.transaction = transaction
        self.code = code
        self.message = message
        self.details = details

    @classmethod
    def of(cls, step: str, transaction: str, error: grpc.RpcError) -> Self:
        """Return the error for what gRPC raised."""
        return cls(step, transaction, error.code(), error.details() or "no reason given", _details(error))

    @property
    def chaincode_code(self) -> str | None:
        """Return the chaincode's own word before the colon ("CONFLICT", "NOTFOUND", ...); None: it was not the
        chaincode.
        """
        found = next(filter(None, map(CHAINCODE_CODE.search, self._texts())), None)
        return found[1] if found else None

    @property
    def retry(self) -> bool:
        """Return whether the same may be tried again later, unchanged. After "submit" and "commit status" that means
        the same envelope: it may have been ordered already, and is valid at most once however often it is sent.
        """
        if self.chaincode_code:
            return False
        if self.code is grpc.StatusCode.UNAVAILABLE:
            return not self._says(LASTING)
        waited = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED}
        return self.code in waited or self._says(PASSING)

    @property
    def not_allowed(self) -> bool:
        """Return whether the identity was refused (organisation, role, expiry, signature). Asking again does not help.
        """
        if self._says(LASTING):
            return False
        return (self.code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
                or any(map(REFUSAL.search, self._texts())))

    @property
    def elsewhere(self) -> bool:
        """Return whether the peer failed rather than what was asked, so that another may do better. A commit status
        that takes its time says nothing about the peer."""
        return (self.code is grpc.StatusCode.UNAVAILABLE
                or (self.code is grpc.StatusCode.DEADLINE_EXCEEDED and self.step != "commit status")
                or (self.chaincode_code is None and self._says(PASSING)))

    @property
    def beyond(self) -> bool:
        """Return whether the peer answered that the orderers behind it are away. Then it is as fit as any other."""
        return self.step == "submit" and bool(self.details)

    @property
    def overloaded(self) -> bool:
        """Return whether the call was turned away unread, because the peer serves as many as it may."""
        return self._says(PASSING[:1])

    def _texts(self) -> tuple[str, ...]:
        return (self.message, *(detail.message for detail in self.details))

    def _says(self, phrases: tuple[str, ...]) -> bool:
        return any(phrase in text for phrase in phrases for text in self._texts())


class TransactionInvalid(GatewayError):
    """Ordered, and found invalid by every peer: it has no effect and never will. Only a new proposal can help, and that
    is safe now. name: as in peer.TxValidationCode ("MVCC_READ_CONFLICT", ...). block: the one that holds it."""

    def __init__(self, transaction: str, code: int, block: int) -> None:
        self.name = validation_name(code)
        super().__init__("commit status", transaction, grpc.StatusCode.ABORTED,
                         f"transaction {transaction} is in block {block}, marked {self.name}: it has no effect")
        self.block = block


def validation_name(code: int) -> str:
    """Return the name of a peer.TxValidationCode; "CODE_n" for one newer than these stubs."""
    return TxValidationCode.Name(code) if code in TxValidationCode.values() else f"CODE_{code}"


def _details(error: grpc.RpcError) -> tuple[Detail, ...]:
    packed = next((value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin"), b"")
    try:
        said = [ErrorDetail.FromString(part.value) for part in Status.FromString(packed).details
                if part.Is(ErrorDetail.DESCRIPTOR)]
    except DecodeError:  # no reason to lose the status itself
        return ()
    return tuple(Detail(detail.msp_id, detail.address, detail.message) for detail in said)
