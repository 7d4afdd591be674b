"""The system chaincode that answers questions about blocks and transactions."""

from fabric_protos.common.common_pb2 import Envelope
from fabric_protos.common.ledger_pb2 import BlockchainInfo
from fabric_protos.peer.proposal_response_pb2 import Response
from fabric_protos.peer.transaction_pb2 import ProcessedTransaction

from tests.standin import crypto
from tests.standin.ledger import Ledger
from tests.standin.policy import Channel, Denied
from tests.standin.proposal import Unpacked

NAME = "qscc"
OK, ERROR = 200, 500


class Wrong(Exception):
    """Becomes a response with status 500."""


def invoke(proposal: Unpacked, channels: dict[str, Channel], ledgers: dict[str, Ledger]) -> Response:
    try:
        return Response(status=OK, payload=_answer(proposal, channels, ledgers))
    except Wrong as wrong:
        return Response(status=ERROR, message=str(wrong))


def _answer(proposal: Unpacked, channels: dict[str, Channel], ledgers: dict[str, Ledger]) -> bytes:
    args = list(proposal.input.args)
    if len(args) < 2:
        raise Wrong(f"Incorrect number of arguments, {len(args)}")
    function, channel = args[0].decode(errors="replace"), args[1].decode(errors="replace")
    if function != "GetChainInfo" and len(args) < 3:
        raise Wrong(f"missing 3rd argument for {function}")
    if channel not in channels:
        raise Wrong(f"Invalid chain ID, {channel}")
    denied = f"access denied for [{function}][{channel}]: "
    if function not in ("GetChainInfo", *QUERIES):
        raise Wrong(f"{denied}[Unmapped policy for qscc/{function}]")
    signed, creator = proposal.signed, proposal.signature_header.creator
    try:
        channels[channel].acl("Readers", creator, signed.proposal_bytes, signed.signature)
    except Denied as error:
        raise Wrong(f"{denied}[{error}]") from None
    ledger = ledgers[channel]
    return _info(ledger) if function == "GetChainInfo" else QUERIES[function](ledger, args[2])


def _info(ledger: Ledger) -> bytes:
    header = ledger.blocks[-1].header
    return BlockchainInfo(
        height=ledger.height,
        currentBlockHash=crypto.sha256(crypto.header_bytes(header)),
        previousBlockHash=header.previous_hash,
    ).SerializeToString()


def _by_number(ledger: Ledger, argument: bytes) -> bytes:
    text = argument.decode(errors="replace")
    if not (text.isascii() and text.isdigit()):
        raise Wrong(f'Failed to parse block number with error strconv.ParseUint: parsing "{text}": invalid syntax')
    number = int(text)
    if number >= 1 << 64:
        raise Wrong(f'Failed to parse block number with error strconv.ParseUint: parsing "{text}": value out of range')
    if number == (1 << 64) - 1:
        number = ledger.height - 1
    if number >= ledger.height:
        raise Wrong(f"Failed to get block number {number}, error no such block number [{number}] in index")
    return ledger.blocks[number].SerializeToString()


def _by_hash(ledger: Ledger, argument: bytes) -> bytes:
    block = ledger.block_with_hash(argument)
    if block is None:
        text = argument.decode(errors="replace")
        raise Wrong(f"Failed to get block hash {text}, error no such block hash [{argument.hex()}] in index")
    return block.SerializeToString()


def _by_transaction(ledger: Ledger, argument: bytes) -> bytes:
    transaction = argument.decode(errors="replace")
    place = ledger.place(transaction)
    if place is None:
        raise Wrong(
            f"Failed to get block for txID {transaction}, error no such transaction ID [{transaction}] in index"
        )
    return ledger.blocks[place.block].SerializeToString()


def _transaction(ledger: Ledger, argument: bytes) -> bytes:
    transaction = argument.decode(errors="replace")
    place = ledger.place(transaction)
    if place is None:
        raise Wrong(
            f"Failed to get transaction with id {transaction}, error no such transaction ID [{transaction}] in index"
        )
    envelope = Envelope.FromString(ledger.blocks[place.block].data.data[place.position])
    return ProcessedTransaction(transactionEnvelope=envelope, validationCode=place.code).SerializeToString()


QUERIES = {
    "GetBlockByNumber": _by_number,
    "GetBlockByHash": _by_hash,
    "GetBlockByTxID": _by_transaction,
    "GetTransactionByID": _transaction,
}
