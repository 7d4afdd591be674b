"""What every ledger adapter must keep (contract.ports.Ledger)."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud.ledger.embedded import EmbeddedLedger
from contract.errors import Conflict, NotFound
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.ports import Ledger
from contract.proof.document import check_inclusion
from contract.proof.fabric import check_fabric
from tests.standin.ground import StandinGround
from tests.support.fabric_network import fabric_ground
from tests.support.ground import Ground
from tests.support.ledgers import fabric_ledger, put


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with closing(StandinGround(tmp_path_factory.mktemp("standin"))) as ground:
        yield ground


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with fabric_ground(tmp_path_factory.mktemp("fabric")) as ground:
        yield ground


@pytest.fixture(params=["embedded", "standin", "fabric"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "embedded":
        adapter: Ledger = EmbeddedLedger(tmp_path)
    else:
        adapter = fabric_ledger(request.getfixturevalue(request.param))
    yield adapter
    adapter.close()


def record(commitment: str = "ab" * 32, severity: str = "high") -> LedgerRecord:
    return LedgerRecord(id=new_id(), commitment=commitment, severity=severity)


def news(ledger: Ledger, channel: str, after: int) -> list[LedgerRecord]:
    """All records after a block."""
    found = []
    while True:
        page = ledger.page(channel, after, 3)
        assert [number for number, _ in page.records] == sorted(number for number, _ in page.records)
        assert all(number > after for number, _ in page.records)
        found += [one for _, one in page.records]
        if page.next is None:
            return found
        assert page.next > after
        after = page.next


def newest(ledger: Ledger, channel: str) -> int:
    """The last block, -1 for none."""
    after = -1
    while (page := ledger.page(channel, after, 50)).next is not None:
        after = page.next
    return max([after, *(number for number, _ in page.records)])


def test_nothing_is_there_before_it_is_committed(ledger):
    prepared = ledger.prepare("general", [one := record()])
    assert (prepared.channel, prepared.records) == ("general", (one,))
    with pytest.raises(NotFound):
        ledger.get("general", one.id)


def test_a_record_can_be_read_back(ledger):
    one = record()
    anchor = put(ledger, "general", one)
    assert anchor.channel == "general"
    assert ledger.get("general", one.id) == one


def test_the_same_transaction_again_is_there_once(ledger):
    before = newest(ledger, "general")
    prepared = ledger.prepare("general", [one := record()])
    first = ledger.commit(prepared)
    put(ledger, "general", other := record())
    assert ledger.commit(prepared) == first
    assert news(ledger, "general", before) == [one, other]


def test_the_same_record_again_is_prepared_as_what_is_there(ledger):
    before = newest(ledger, "general")
    first = put(ledger, "general", one := record())
    again = ledger.prepare("general", [one])
    assert again.transaction == first.transaction
    assert ledger.commit(again) == first
    assert news(ledger, "general", before) == [one]


def test_the_id_with_other_content_is_a_conflict_and_changes_nothing(ledger):
    one = record()
    put(ledger, "general", one)
    before = newest(ledger, "general")
    with pytest.raises(Conflict, match=one.id):
        ledger.prepare("general", [one.model_copy(update={"commitment": "cd" * 32})])
    assert ledger.get("general", one.id) == one
    assert news(ledger, "general", before) == []


def test_channels_are_apart(ledger):
    before = newest(ledger, "general")
    anchor = put(ledger, "police", one := record())
    with pytest.raises(NotFound):
        ledger.get("general", one.id)
    with pytest.raises(NotFound):
        ledger.prove(anchor.model_copy(update={"channel": "general"}), [one])
    assert news(ledger, "general", before) == []
    heads = ledger.head("general"), ledger.head("police")
    assert [head.channel for head in heads] == ["general", "police"]


def test_unknown_records_are_not_found(ledger):
    with pytest.raises(NotFound):
        ledger.get("general", new_id())
    anchor = put(ledger, "general", record())
    with pytest.raises(NotFound):
        ledger.prove(anchor, [record()])


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_transaction_has_a_proof_for_each_of_its_records(ledger, count):
    records = [record(severity="low") for _ in range(count)]
    anchor = put(ledger, "general", *records)
    proofs = ledger.prove(anchor, records)
    for proof, one in zip(proofs, records, strict=True):
        check_inclusion(proof) if proof.kind == "tree" else check_fabric(proof)
        assert (proof.record, proof.channel) == (one, "general")


def test_no_proof_is_given_for_other_content(ledger):
    records = [record(severity="low") for _ in range(3)]
    anchor = put(ledger, "general", *records)
    records[1] = records[1].model_copy(update={"severity": "critical"})
    with pytest.raises(NotFound):
        ledger.prove(anchor, records)


def test_heads_move_with_what_is_written(ledger):
    before = ledger.head("general")
    put(ledger, "general", record())
    assert ledger.head("general") != before
    ledger.check("general")


def test_pages_are_in_order_and_without_gaps_or_repeats(ledger):
    before = newest(ledger, "general")
    records = [record() for _ in range(7)]
    for one in records:
        put(ledger, "general", one)
    assert news(ledger, "general", before) == records


def test_many_threads_with_the_same_records_write_each_once(ledger):
    before = newest(ledger, "general")
    prepared = [ledger.prepare("general", [record()]) for _ in range(12)]
    problems = []

    def work():
        try:
            for one in prepared:
                ledger.commit(one)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    found = [one.id for one in news(ledger, "general", before)]
    assert sorted(found) == sorted(one.records[0].id for one in prepared)
