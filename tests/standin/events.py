"""The stream of chaincode events: one response per block that has any, of valid transactions only."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import grpc
from fabric_protos.common.common_pb2 import ENDORSER_TRANSACTION, TRANSACTIONS_FILTER, Block
from fabric_protos.gateway import gateway_pb2 as gw
from fabric_protos.peer.chaincode_event_pb2 import ChaincodeEvent
from fabric_protos.peer.transaction_pb2 import VALID
from google.protobuf.message import DecodeError

from tests.standin.access import check_readers
from tests.standin.answers import Failure
from tests.standin.ledger import Ledger
from tests.standin.policy import Channel
from tests.standin.transaction import read_endorsed

if TYPE_CHECKING:
    from tests.standin.peer import Peer

C = grpc.StatusCode


def stream(
    signed: gw.SignedChaincodeEventsRequest,
    context: grpc.ServicerContext,
    channels: dict[str, Channel],
    peer: "Peer",
) -> Iterator[gw.ChaincodeEventsResponse]:
    """Never ends by itself. Raises Failure. A start block that is not there yet, and an after_transaction_id that
    nobody knows, are silence and no error."""
    if not signed.request:
        raise Failure(C.INVALID_ARGUMENT, "a chaincode events request is required")
    try:
        request = gw.ChaincodeEventsRequest.FromString(signed.request)
    except DecodeError as error:
        raise Failure(C.INVALID_ARGUMENT, f"invalid chaincode events request: {error}") from error
    check_readers(channels, request.channel_id, request.identity, signed.request, signed.signature)
    ledger = peer.ledgers[request.channel_id]
    number, matches = _start(ledger, request), _matcher(request)
    while (block := ledger.next_block(number)) is not None:
        number += 1
        found = [event for event in _events(block) if matches(event)]
        if not found:
            continue
        if not context.is_active():
            return
        yield gw.ChaincodeEventsResponse(events=found, block_number=block.header.number)


def _start(ledger: Ledger, request: gw.ChaincodeEventsRequest) -> int:
    place = ledger.place(request.after_transaction_id)
    if place is not None:
        return place.block
    kind = request.start_position.WhichOneof("Type")
    if kind == "specified":
        return int(request.start_position.specified.number)
    if kind in (None, "next_commit"):
        return ledger.height
    raise Failure(C.INVALID_ARGUMENT, f"invalid start position type: *orderer.SeekPosition_{kind.title()}")


def _matcher(request: gw.ChaincodeEventsRequest) -> Callable[[ChaincodeEvent], bool]:
    passed = not request.after_transaction_id

    def matches(event: ChaincodeEvent) -> bool:
        nonlocal passed
        if not passed:
            passed = event.tx_id == request.after_transaction_id
            return False
        return event.chaincode_id == request.chaincode_id

    return matches


def _events(block: Block) -> Iterator[ChaincodeEvent]:
    for raw, code in zip(block.data.data, block.metadata.metadata[TRANSACTIONS_FILTER], strict=True):
        if code != VALID or block.header.number == 0:
            continue
        transaction = read_endorsed(raw)
        if transaction.channel_header.type == ENDORSER_TRANSACTION and transaction.action.events:
            yield ChaincodeEvent.FromString(transaction.action.events)
