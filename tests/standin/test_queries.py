"""Who may read what, and the answers about blocks, statuses and events: the same on the stand-in and on a real peer."""

import grpc
import pytest
from fabric_protos.common.common_pb2 import Block
from fabric_protos.common.ledger_pb2 import BlockchainInfo
from fabric_protos.orderer.ab_pb2 import SeekNewest, SeekPosition, SeekSpecified
from fabric_protos.peer.transaction_pb2 import ProcessedTransaction

from tests.standin import crypto, forge
from tests.standin.crypto import Signer
from tests.standin.forge import Caller, Outcome, Wrong, propose
from tests.support.ground import Ground, new_record

QSCC = Wrong(chaincode="qscc")
# Long enough for an answer that comes; how long silence is listened to.
SILENCE_S = 0.7


def denied(channel: str) -> str:
    return (
        f"Failed evaluating policy on signed data during check policy on channel [{channel}] with policy "
        "[/Channel/Application/Readers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, "
        "but this policy requires 1 of the 'Readers' sub-policies to be satisfied]"
    )


@pytest.fixture
def caller(ground: Ground, call) -> Caller:
    return call(ground)


@pytest.fixture
def recorder(ground: Ground, who) -> Signer:
    return who(ground, "campus", "recorder")


def write(caller: Caller, signer: Signer) -> tuple[str, int]:
    """A committed record: transaction and block."""
    proposed = propose(signer, "general", "Record", *new_record())
    envelope = caller.prepared(proposed)
    envelope.signature = signer.sign(envelope.payload)
    assert caller.submit("general", envelope).code == "OK"
    return proposed.transaction, caller.status(signer, "general", proposed.transaction).value.block_number


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "Incorrect number of arguments, 0"),
        (("GetChainInfo",), "Incorrect number of arguments, 1"),
        (("GetChainInfo", "nosuch"), "Invalid chain ID, nosuch"),
        (("GetChainInfo", "police"), f"access denied for [GetChainInfo][police]: [{denied('police')}]"),
        (("GetBlockByNumber", "general"), "missing 3rd argument for GetBlockByNumber"),
        (("GetBlockByNumber", "general", "99999"), "Failed to get block number 99999, error no such block number "
         "[99999] in index"),
        (("GetBlockByNumber", "general", "-1"), "Failed to parse block number with error strconv.ParseUint: parsing "
         '"-1": invalid syntax'),
        (("GetBlockByHash", "general", b"\x01"), "Failed to get block hash \x01, error no such block hash [01] in "
         "index"),
        (("GetBlockByTxID", "general", "no"), "Failed to get block for txID no, error no such transaction ID [no] in "
         "index"),
        (("GetTransactionByID", "general", "no"), "Failed to get transaction with id no, error no such transaction "
         "ID [no] in index"),
        (("Other", "general", "x"), "access denied for [Other][general]: [Unmapped policy for qscc/Other]"),
    ],
)  # fmt: skip
def test_questions_about_the_chain_that_have_no_answer(
    caller: Caller, recorder: Signer, args: tuple[str | bytes, ...], message: str
) -> None:
    said = f"chaincode response 500, {message}"
    assert caller.evaluate(propose(recorder, "general", *args, wrong=QSCC)) == Outcome(
        "UNKNOWN", f"evaluate call to endorser returned error: {said}", (("CampusMSP", said),)
    )


def test_a_block_is_found_by_number_hash_and_transaction(caller: Caller, recorder: Signer) -> None:
    transaction, number = write(caller, recorder)

    def ask(*args: str | bytes) -> bytes:
        answer = caller.evaluate(propose(recorder, "general", *args, wrong=QSCC))
        assert answer.code == "OK", answer
        return answer.value.result.payload

    raw = ask("GetBlockByNumber", "general", str(number))
    block = Block.FromString(raw)
    assert ask("GetBlockByTxID", "general", transaction) == raw
    digest = crypto.sha256(crypto.header_bytes(block.header))
    assert ask("GetBlockByHash", "general", digest) == raw
    assert crypto.sha256(b"".join(block.data.data)) == block.header.data_hash
    found = ProcessedTransaction.FromString(ask("GetTransactionByID", "general", transaction))
    assert found.transactionEnvelope.SerializeToString() in block.data.data
    info = BlockchainInfo.FromString(ask("GetChainInfo", "general"))
    newest = Block.FromString(ask("GetBlockByNumber", "general", str((1 << 64) - 1)))
    assert newest.header.number == info.height - 1
    assert info.currentBlockHash == crypto.sha256(crypto.header_bytes(newest.header))
    assert info.previousBlockHash == newest.header.previous_hash


def test_a_status_is_for_readers_and_waits(ground: Ground, caller: Caller, recorder: Signer, who) -> None:
    assert caller.status(recorder, "police", "x") == Outcome("PERMISSION_DENIED", denied("police"))
    assert caller.status(recorder, "nosuch", "x") == Outcome(
        "PERMISSION_DENIED", "Failed to get policy manager for channel [nosuch]"
    )
    high = caller.status(recorder, "general", "x", sign=forge.high_s(recorder))
    assert high == Outcome("PERMISSION_DENIED", denied("general"))
    reader = who(ground, "campus", "reader")
    assert caller.status(reader, "general", "x", SILENCE_S).code in ("DEADLINE_EXCEEDED", "CANCELLED")


def test_events_are_for_readers(caller: Caller, recorder: Signer) -> None:
    for channel, sign, message in (
        ("police", None, denied("police")),
        ("nosuch", None, "Failed to get policy manager for channel [nosuch]"),
        ("general", forge.high_s(recorder), denied("general")),
    ):
        with pytest.raises(grpc.RpcError) as error:
            next(caller.events(recorder, channel, sign=sign))
        assert forge.outcome(error.value) == Outcome("PERMISSION_DENIED", message)
    with pytest.raises(grpc.RpcError) as error:
        next(caller.events(recorder, "general", SeekPosition(newest=SeekNewest())))
    assert forge.outcome(error.value) == Outcome(
        "INVALID_ARGUMENT", "invalid start position type: *orderer.SeekPosition_Newest"
    )


def test_events_begin_where_asked_or_are_silent(caller: Caller, recorder: Signer) -> None:
    first, number = write(caller, recorder)
    second, later = write(caller, recorder)
    start = SeekPosition(specified=SeekSpecified(number=number))
    stream = caller.events(recorder, "general", start)
    assert [(each.block_number, [event.tx_id for event in each.events]) for each in (next(stream), next(stream))] == [
        (number, [first]),
        (later, [second]),
    ]
    stream.cancel()
    stream = caller.events(recorder, "general", after=first)
    answer = next(stream)
    assert (answer.block_number, [event.tx_id for event in answer.events]) == (later, [second])
    stream.cancel()
    for silent in (
        caller.events(recorder, "general", start, after="unknown", seconds=SILENCE_S),
        caller.events(recorder, "general", SeekPosition(specified=SeekSpecified(number=99999)), seconds=SILENCE_S),
        caller.events(recorder, "general", seconds=SILENCE_S),
    ):
        with pytest.raises(grpc.RpcError) as error:
            next(silent)
        assert error.value.code().name in ("DEADLINE_EXCEEDED", "CANCELLED")
