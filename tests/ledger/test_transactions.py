"""Writing, repeating, colliding: what one client of the Gateway sees."""

import json
import uuid

import grpc
import pytest

from cloud.ledger.gateway.blocks import block_with
from cloud.ledger.gateway.failures import GatewayError, TransactionInvalid
from tests.support.ground import Client, new_record


def test_record_is_written_once_and_read_back(recorder: Client) -> None:
    args = new_record()
    endorsed, commit = recorder.write("Record", *args)
    stored = {"id": args[0], "commitment": args[1], "schema_version": 1, "severity": "high", "msp": "CampusMSP",
              "transaction": endorsed.transaction}
    assert commit.name == "VALID"
    assert endorsed.result == json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()
    assert recorder.evaluate("Get", args[0]) == endorsed.result
    block = block_with(recorder.gateway, recorder.identity, "general", endorsed.transaction)
    assert block.header.number == commit.block
    assert endorsed.envelope in block.envelopes


def test_same_record_again_returns_the_first(recorder: Client) -> None:
    args = new_record()
    first, _ = recorder.write("Record", *args)
    again, commit = recorder.write("Record", *args)
    assert again.result == first.result
    assert again.transaction != first.transaction
    assert commit.name == "VALID"  # a transaction that writes nothing


def test_batch_has_a_key_of_its_own(recorder: Client) -> None:
    name, root, *_ = new_record()
    endorsed, _ = recorder.write("RecordBatch", name, root, "12", "1")
    assert json.loads(recorder.evaluate("GetBatch", name)) == {
        "id": name, "root": root, "leaves": 12, "schema_version": 1, "msp": "CampusMSP",
        "transaction": endorsed.transaction}
    with pytest.raises(GatewayError) as caught:
        recorder.evaluate("Get", name)
    assert caught.value.chaincode_code == "NOTFOUND"


def test_police_acknowledge_and_history_tells_both(recorder: Client, guarded: Client, police: Client) -> None:
    args = new_record("critical")
    record, _ = guarded.write("Record", *args)
    acknowledged, _ = police.write("Acknowledge", args[0])
    history = json.loads(police.evaluate("History", args[0]))
    assert [(step["kind"], step["transaction"]) for step in history] == [
        ("record", record.transaction), ("acknowledgement", acknowledged.transaction)]
    assert history[0]["entry"] == json.loads(record.result)
    assert history[1]["entry"] == {"id": args[0], "msp": "PoliceMSP", "transaction": acknowledged.transaction}
    with pytest.raises(GatewayError):  # the other channel knows nothing of it
        recorder.evaluate("Get", args[0])


@pytest.mark.parametrize("step", ["endorse", "evaluate"])
def test_chaincode_error_comes_with_its_code(recorder: Client, police: Client, step: str) -> None:
    identifier, commitment, version, severity = new_record()
    recorder.write("Record", identifier, commitment, version, severity)
    cases = [
        ("CONFLICT", recorder, ("Record", identifier, "f" * 64, version, severity)),
        ("NOTFOUND", recorder, ("Get", str(uuid.uuid4()))),
        ("NOTFOUND", police, ("Acknowledge", str(uuid.uuid4()))),
        ("BADARGS", recorder, ("Record", identifier, "not hex", version, severity)),
        ("BADARGS", recorder, ("Record", identifier)),
        ("BADARGS", recorder, ("Nonsense",)),
        ("FORBIDDEN", recorder, ("Acknowledge", identifier)),
    ]
    for code, client, call in cases:
        with pytest.raises(GatewayError) as caught:
            getattr(client, step)(*call)
        error = caught.value
        assert (error.step, error.chaincode_code, error.retry) == (step, code, False), call
        assert error.code is (grpc.StatusCode.ABORTED if step == "endorse" else grpc.StatusCode.UNKNOWN), call
        assert error.not_allowed is (code == "FORBIDDEN"), call
        assert any(detail.message.startswith(f"chaincode response 500, {code}: ") for detail in error.details), error
        assert error.details[0].mspid and ":" in error.details[0].address


def test_same_envelope_again_stays_valid_in_its_first_block(recorder: Client) -> None:
    endorsed, first = recorder.write("Record", *new_record())
    for _ in range(2):
        recorder.submit(endorsed)
        recorder.write("Record", *new_record())  # so the repeat has a block, too
        assert recorder.status(endorsed) == first
    assert recorder.settle(endorsed) == first
    marks = [code for block in recorder.chain()
             for transaction, code in zip(block.transactions, block.codes, strict=True)
             if transaction == endorsed.transaction]
    assert marks[:3] == [0, 9, 9]  # VALID, DUPLICATE_TXID


def test_of_two_that_write_the_same_key_one_has_effect(recorder: Client) -> None:
    args = new_record()
    ends: list[str] = []
    both = [recorder.endorse("Record", *args) for _ in range(2)]
    for endorsed in both:
        recorder.submit(endorsed)
    for endorsed in both:
        try:
            ends.append(recorder.settle(endorsed).name)
        except TransactionInvalid as error:
            assert not error.retry
            assert error.transaction == endorsed.transaction
            assert recorder.status(endorsed) == (11, error.name, error.block)
            ends.append(error.name)
    assert sorted(ends) == ["MVCC_READ_CONFLICT", "VALID"]
    winner = both[ends.index("VALID")]
    assert json.loads(recorder.evaluate("Get", args[0]))["transaction"] == winner.transaction


def test_acknowledgements_collide_in_the_same_way(guarded: Client, police: Client) -> None:
    args = new_record()
    guarded.write("Record", *args)
    both = [police.endorse("Acknowledge", args[0]) for _ in range(2)]
    for endorsed in both:
        police.submit(endorsed)
    assert sorted(police.status(endorsed).name for endorsed in both) == ["MVCC_READ_CONFLICT", "VALID"]
    anew, commit = police.write("Acknowledge", args[0])  # a new proposal finds the first
    assert commit.name == "VALID"
    assert json.loads(anew.result)["transaction"] in {endorsed.transaction for endorsed in both}


def test_status_of_what_was_never_sent_may_be_asked_again(recorder: Client) -> None:
    endorsed = recorder.endorse("Record", *new_record())
    with pytest.raises(GatewayError) as caught:
        recorder.status(endorsed, timeout_s=1)
    assert caught.value.retry
    assert caught.value.code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
    assert recorder.settle(endorsed).name == "VALID"


def test_one_organisation_may_be_named_to_endorse(recorder: Client) -> None:
    endorsed = recorder.endorse("Record", *new_record(), organisations=("PoliceMSP",))
    assert b"PoliceMSP" in endorsed.envelope
    assert recorder.settle(endorsed).name == "VALID"
