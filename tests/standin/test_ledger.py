"""The stand-in's own insides: what it keeps, cuts, signs and hands to a chaincode."""

from itertools import pairwise
from pathlib import Path

import pytest
from fabric_protos.common.common_pb2 import SIGNATURES, TRANSACTIONS_FILTER, BlockHeader, Metadata, SignatureHeader
from fabric_protos.ledger.queryresult.kv_query_result_pb2 import KV, KeyModification
from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRWSet
from fabric_protos.ledger.rwset.rwset_pb2 import TxReadWriteSet
from fabric_protos.peer.chaincode_shim_pb2 import (
    ChaincodeMessage,
    DelState,
    GetHistoryForKey,
    GetState,
    GetStateByRange,
    PutState,
    QueryResponse,
    QueryStateClose,
    QueryStateNext,
)
from google.protobuf.timestamp_pb2 import Timestamp

from tests.standin import crypto
from tests.standin.committer import _unchanged
from tests.standin.forge import propose
from tests.standin.ground import StandinGround
from tests.standin.ledger import read_blocks
from tests.standin.policy import Membership
from tests.standin.requests import BATCH, Running
from tests.standin.state import Change, Simulation, State, Value
from tests.support.ground import new_record

M = ChaincodeMessage


@pytest.mark.parametrize(
    ("number", "der"),
    [(0, "020100"), (127, "02017f"), (128, "02020080"), (255, "020200ff"), (256, "02020100"), (32768, "0203008000")],
)
def test_a_block_header_is_hashed_as_der(number: int, der: str) -> None:
    header = BlockHeader(number=number, previous_hash=b"p" * 32, data_hash=b"d" * 32)
    body = bytes.fromhex(der) + b"\x04\x20" + b"p" * 32 + b"\x04\x20" + b"d" * 32
    assert crypto.header_bytes(header) == b"\x30" + bytes([len(body)]) + body


def test_blocks_are_cut_by_count_and_time_chained_and_signed(standin: StandinGround, call, who) -> None:
    caller, signer = call(standin), who(standin, "campus", "recorder")
    made = [propose(signer, "general", "Record", *new_record()) for _ in range(13)]
    envelopes = [caller.prepared(each) for each in made]
    for envelope in envelopes:
        envelope.signature = signer.sign(envelope.payload)
        assert caller.submit("general", envelope).code == "OK"
    places = [caller.status(signer, "general", each.transaction).value.block_number for each in made]
    first = places[0]
    assert places == [first] * 10 + [first + 1] * 3

    blocks = read_blocks(standin.home / "blocks" / "peer-campus" / "general.blocks")
    assert [block.header.number for block in blocks] == list(range(len(blocks)))
    for before, after in pairwise(blocks):
        assert after.header.previous_hash == crypto.sha256(crypto.header_bytes(before.header))
    for block in blocks:
        assert crypto.sha256(b"".join(block.data.data)) == block.header.data_hash
        assert len(block.metadata.metadata[TRANSACTIONS_FILTER]) == len(block.data.data)
    root = (standin.home / "roots" / "OrdererMSP.pem").read_bytes()
    for block in blocks[1:]:
        metadata = Metadata.FromString(block.metadata.metadata[SIGNATURES])
        (signature,) = metadata.signatures
        creator = SignatureHeader.FromString(signature.signature_header).creator
        member = Membership({"OrdererMSP": root}).member(creator)
        over = metadata.value + signature.signature_header + crypto.header_bytes(block.header)
        assert member.unit == "orderer"
        assert member.signed(over, signature.signature)


def test_a_peer_that_comes_back_knows_what_it_knew_and_catches_up(standin: StandinGround, call, who) -> None:
    caller, police, signer = call(standin), call(standin, "police"), who(standin, "campus", "recorder")

    def write() -> str:
        proposed = propose(signer, "general", "Record", *new_record())
        envelope = caller.prepared(proposed)
        envelope.signature = signer.sign(envelope.payload)
        caller.submit("general", envelope)
        assert caller.status(signer, "general", proposed.transaction).value.result == 0
        return proposed.transaction

    before = write()
    assert police.status(signer, "general", before).code == "OK"
    standin.kill("peer-police")
    during = write()
    standin.start("peer-police")
    for transaction in (before, during):
        assert police.status(signer, "general", transaction).value.result == 0
    peers = [standin.peers[org].ledgers["general"] for org in ("campus", "police")]
    assert peers[0].state == peers[1].state
    assert peers[0].blocks == peers[1].blocks


def test_block_files_hold_what_was_written(standin: StandinGround, call, who) -> None:
    caller, signer, record = call(standin), who(standin, "campus", "recorder"), new_record()
    proposed = propose(signer, "general", "Record", *record)
    envelope = caller.prepared(proposed)
    envelope.signature = signer.sign(envelope.payload)
    caller.submit("general", envelope)
    for org in ("campus", "police"):
        assert call(standin, org).status(signer, "general", proposed.transaction).code == "OK"
    found = {path.parent.name for path in standin.files() if record[1].encode() in path.read_bytes()}
    assert found == {"orderer", "peer-campus", "peer-police"}


def test_without_the_chaincode_program_the_error_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.standin.ground.BINARY", tmp_path / "sentrybox-chaincode")
    with pytest.raises(FileNotFoundError, match="make setup"):
        StandinGround(tmp_path)


def state(*keys: str) -> State:
    return State({("cc", key): Value(key.encode(), 1, place) for place, key in enumerate(keys)}, {})


def ask(running: Running, kind: int, message) -> bytes:
    answer = running.serve(M(type=kind, payload=message.SerializeToString(), txid="t", channel_id="c"))
    assert answer.type == M.RESPONSE, answer.payload
    return answer.payload


def test_a_run_reads_what_was_committed_never_its_own_writes() -> None:
    simulation = Simulation(state("a", "b"))
    running = Running("cc", simulation)
    ask(running, M.PUT_STATE, PutState(key="a", value=b"new"))
    ask(running, M.DEL_STATE, DelState(key="b"))
    assert ask(running, M.GET_STATE, GetState(key="a")) == b"a"
    assert ask(running, M.GET_STATE, GetState(key="absent")) == b""
    (namespace,) = TxReadWriteSet.FromString(simulation.results()).ns_rwset
    rwset = KVRWSet.FromString(namespace.rwset)
    assert [(read.key, read.HasField("version")) for read in rwset.reads] == [("a", True), ("absent", False)]
    assert [(write.key, write.value, write.is_delete) for write in rwset.writes] == [
        ("a", b"new", False),
        ("b", b"", True),
    ]


def test_a_long_range_comes_in_parts_and_is_noted_as_far_as_it_was_read() -> None:
    keys = [f"k{n:03}" for n in range(BATCH + 5)]
    simulation = Simulation(state("a", *keys, "z"))
    running = Running("cc", simulation)
    part = QueryResponse.FromString(ask(running, M.GET_STATE_BY_RANGE, GetStateByRange(startKey="k", endKey="l")))
    assert part.has_more
    assert len(part.results) == BATCH
    info = KVRWSet.FromString(TxReadWriteSet.FromString(simulation.results()).ns_rwset[0].rwset).range_queries_info[0]
    assert (info.itr_exhausted, info.end_key) == (False, keys[BATCH])
    rest = QueryResponse.FromString(ask(running, M.QUERY_STATE_NEXT, QueryStateNext(id=part.id)))
    assert not rest.has_more
    assert [KV.FromString(each.resultBytes).key for each in (*part.results, *rest.results)] == keys
    info = KVRWSet.FromString(TxReadWriteSet.FromString(simulation.results()).ns_rwset[0].rwset).range_queries_info[0]
    assert (info.itr_exhausted, info.end_key, len(info.raw_reads.kv_reads)) == (True, "l", len(keys))


def test_a_range_that_changed_is_a_phantom() -> None:
    before = state("k1", "k3")
    scan = Simulation(before).scan("cc", "k", "l")
    assert scan.next()[0] == "k1"
    partly = type(scan.info)()
    partly.CopyFrom(scan.info)
    while scan.next():
        pass
    assert _unchanged("cc", scan.info, before, {})
    new = {("cc", "k2"): Value(b"", 2, 0)}
    assert not _unchanged("cc", scan.info, before, new)
    assert not _unchanged("cc", scan.info, before, {("cc", "k3"): None})
    assert not _unchanged("cc", scan.info, before, {("cc", "k1"): Value(b"", 2, 0)})
    assert _unchanged("cc", partly, before, new), "what lies behind the last key seen was not read"
    assert not _unchanged("cc", partly, before, {("cc", "k0"): Value(b"", 2, 0)})


def test_history_is_newest_first() -> None:
    changes = tuple(Change(f"t{n}", None if n == 1 else b"v", Timestamp(seconds=n)) for n in range(3))
    running = Running("cc", Simulation(State({}, {("cc", "k"): changes})))
    answer = QueryResponse.FromString(ask(running, M.GET_HISTORY_FOR_KEY, GetHistoryForKey(key="k")))
    found = [KeyModification.FromString(each.resultBytes) for each in answer.results]
    assert [(each.tx_id, each.is_delete, each.timestamp.seconds) for each in found] == [
        ("t2", False, 2),
        ("t1", True, 1),
        ("t0", False, 0),
    ]


def test_what_is_not_served_is_an_error_to_the_chaincode() -> None:
    running = Running("cc", Simulation(state("a")))
    for kind, message in (
        (M.GET_QUERY_RESULT, GetState()),
        (M.GET_STATE, GetState(key="a", collection="private")),
        (M.QUERY_STATE_NEXT, QueryStateNext(id="7")),
        (M.GET_STATE_BY_RANGE, GetStateByRange(metadata=b"page")),
    ):
        answer = running.serve(M(type=kind, payload=message.SerializeToString(), txid="t", channel_id="c"))
        assert answer.type == M.ERROR
        assert b"failed: transaction ID: t: " in answer.payload
    part = QueryResponse.FromString(ask(running, M.GET_STATE_BY_RANGE, GetStateByRange()))
    ask(running, M.QUERY_STATE_CLOSE, QueryStateClose(id=part.id))
