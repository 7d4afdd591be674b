"""The audit against a Fabric ledger: clean where all agrees, and every difference is named."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cloud.database.tables.ledger import AnchorRow
from cloud.ledger.audit.opening import open_books
from cloud.ledger.audit.walk import Audit
from contract.errors import Rejected
from contract.ids import new_id
from contract.ledger import LedgerRecord
from tests.support.fabric_campus import FabricCampus
from tests.support.fabric_proof import Network, inclusion, record_call
from tests.support.ground import Ground, killed


@pytest.fixture
def campus(ground: Ground, tmp_path: Path) -> Iterator[FabricCampus]:
    with closing(FabricCampus(tmp_path, ground)) as campus:
        campus.ids = campus.fill()
        yield campus


def record_of(campus: FabricCampus, number: int, severity: str) -> LedgerRecord:
    entry = campus.entries["gate-1"][number - 1].entry
    return LedgerRecord(id=entry.record_id, commitment=entry.hash(), severity=severity)


def place(campus: FabricCampus, number: int, kind: str, channel: str = "general") -> str:
    return f"{kind} {campus.ids[number - 1]} (box gate-1, entry {number}), channel {channel}"


def test_a_clean_campus_has_no_finding(campus: FabricCampus) -> None:
    assert campus.kinds(campus.export("gate-1"), campus.export("roof-2")) == []


def test_records_and_batches_that_no_box_explains(campus: FabricCampus) -> None:
    stranger = new_id()
    _, commit = campus.recorder.write("Record", stranger, "ab" * 32, "1", "low")
    strangers = [LedgerRecord(id=new_id(), commitment="cd" * 32, severity="low") for _ in range(3)]
    batch = campus.batch(strangers, kept=0)
    found = campus.kinds()
    assert [kind for kind, _ in found] == ["unexplained", "unexplained"]
    assert found[0][1] == f"channel general, entry {commit.block}, id {stranger}"
    assert found[1][1].endswith(f"transaction {batch}")


def test_a_batch_of_which_not_every_record_is_known(campus: FabricCampus) -> None:
    campus.send(campus.boxes["gate-1"].log())
    known = record_of(campus, 7, "medium")
    batch = campus.batch([known, LedgerRecord(id=new_id(), commitment="cd" * 32, severity="low")], kept=1)
    ((kind, where),) = campus.kinds()
    assert kind == "unexplained" and where.endswith(f"transaction {batch}")


def test_another_commitment_on_the_ledger(campus: FabricCampus) -> None:
    campus.send(campus.boxes["gate-1"].incident("critical"))
    wrong = record_of(campus, 7, "critical").model_copy(update={"commitment": "ab" * 32})
    campus.recorder.write("Record", wrong.id, wrong.commitment, "1", wrong.severity)
    found = campus.kinds()
    assert sorted(kind for kind, _ in found) == ["ledger-other", "waiting", "waiting"]
    assert [wrong.id in where for kind, where in found if kind == "ledger-other"] == [True]


@pytest.mark.parametrize("number", [1, 100_000])
def test_a_proof_that_is_good_and_of_another_network(campus: FabricCampus, number: int) -> None:
    other, record = Network(), record_of(campus, 1, "critical")
    call = record_call(other, "general", record)
    campus.keep(inclusion(other, record, call, number=number), call.id)
    assert campus.kinds() == [("ledger-missing", place(campus, 1, "incident"))]


def test_a_kept_proof_with_another_block_header(campus: FabricCampus) -> None:
    with campus.database.read() as session:
        document = json.loads(session.get(AnchorRow, (campus.ids[0], "general")).inclusion)
    document["block"]["previous_hash"] = "ab" * 32
    campus.tamper("UPDATE anchors SET inclusion = ? WHERE record_id = ? AND channel = 'general'",
                  json.dumps(document), campus.ids[0])
    assert campus.kinds() == [("proof", place(campus, 1, "incident"))]


def test_a_changed_step_of_a_batchs_path(campus: FabricCampus) -> None:
    with campus.database.read() as session:
        document = json.loads(session.get(AnchorRow, (campus.ids[3], "general")).inclusion)
    assert document["batch"]["path"]
    document["batch"]["path"][0] = "00" * 32
    campus.tamper("UPDATE anchors SET inclusion = ? WHERE record_id = ?", json.dumps(document), campus.ids[3])
    # The batch has its full number of records all the same: the one proof is bad, nothing else.
    assert campus.kinds() == [("proof", place(campus, 4, "log"))]


def test_a_transaction_that_was_marked_invalid_anchors_nothing(campus: FabricCampus) -> None:
    campus.ids.append(campus.send(campus.boxes["gate-1"].incident("low")))
    record, client = record_of(campus, 7, "low"), campus.recorder
    arguments = ("Record", record.id, record.commitment, "1", record.severity)
    first, second = client.endorse(*arguments), client.endorse(*arguments)
    for endorsed in (first, second):
        client.submit(endorsed)
    assert {client.status(first).name, client.status(second).name} == {"VALID", "MVCC_READ_CONFLICT"}
    invalid = next(each for each in (first, second) if client.status(each).name != "VALID")
    campus.keep(campus.proven(invalid.transaction, record), invalid.transaction)
    assert campus.kinds() == [("ledger-missing", place(campus, 7, "incident"))]


def test_a_place_that_names_another_block(campus: FabricCampus) -> None:
    with campus.database.read() as session:
        block = json.loads(session.get(AnchorRow, (campus.ids[0], "police")).anchor)["block"]
    campus.tamper("UPDATE anchors SET anchor = replace(anchor, ?, ?) WHERE record_id = ? AND channel = 'police'",
                  f'"block":{block}', f'"block":{block + 1}', campus.ids[0])
    assert campus.kinds() == [("anchor", place(campus, 1, "incident", "police"))]


def test_a_network_that_is_away_is_said_and_the_rest_is_checked(campus: FabricCampus, ground: Ground) -> None:
    campus.tamper("DELETE FROM incidents WHERE id = ?", campus.ids[4])
    with ExitStack() as stack:
        for part in ("peer-campus", "peer-police"):
            stack.enter_context(killed(ground, part))
        books = stack.enter_context(closing(campus.books()))
        audit = campus.audit(books=books)
        assert [one.kind for one in audit.findings()] == ["record-missing"]
    assert len(audit.unavailable) == 1 and "cannot be asked" in audit.unavailable[0]


def test_the_books_are_opened_by_the_connection_profile(campus: FabricCampus, ground: Ground, tmp_path: Path) -> None:
    with open_books(tmp_path / "cloud", ground.profile("campus")) as books:
        audit = Audit(campus.database, books, patience_s=900)
        assert not any("gate-1" in one.where for one in audit.findings())
    assert not (tmp_path / "cloud").exists() and audit.unavailable == []
    with pytest.raises(Rejected, match=r"absent\.json"), open_books(tmp_path, tmp_path / "absent.json"):
        pass
