"""What every ledger adapter must keep (contract.ports.Ledger)."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.ledger.embedded import EmbeddedLedger
from contract.errors import Conflict, NotFound
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.ports import Ledger
from contract.proof import check_inclusion, check_tree_head


@pytest.fixture(params=["embedded"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    adapter = {"embedded": EmbeddedLedger}[request.param](tmp_path)
    yield adapter
    adapter.close()


def record(commitment: str = "ab" * 32) -> LedgerRecord:
    return LedgerRecord(id=new_id(), commitment=commitment, severity="high")


def test_a_record_can_be_read_back(ledger):
    one = record()
    anchor = ledger.append("general", one)
    assert anchor.channel == "general"
    assert ledger.get("general", one.id) == one


def test_the_same_record_again_returns_its_first_anchor(ledger):
    one = record()
    first = ledger.append("general", one)
    ledger.append("general", record())
    assert ledger.append("general", one) == first
    assert [r for _, r in ledger.page("general", -1, 10)].count(one) == 1


def test_the_id_with_other_content_is_a_conflict_and_changes_nothing(ledger):
    one = record()
    ledger.append("general", one)
    before = ledger.head("general")
    with pytest.raises(Conflict, match=one.id):
        ledger.append("general", one.model_copy(update={"commitment": "cd" * 32}))
    assert ledger.get("general", one.id) == one
    assert ledger.head("general").root == before.root


def test_channels_are_apart(ledger):
    one = record()
    ledger.append("police", one)
    with pytest.raises(NotFound):
        ledger.get("general", one.id)
    with pytest.raises(NotFound):
        ledger.prove("general", one.id)
    assert ledger.page("general", -1, 10) == []
    assert ledger.head("general").log_key != ledger.head("police").log_key


def test_unknown_records_are_not_found(ledger):
    with pytest.raises(NotFound):
        ledger.get("general", new_id())
    with pytest.raises(NotFound):
        ledger.prove("general", new_id())


def test_proofs_hold_by_the_contracts_own_check(ledger):
    records = [record() for _ in range(9)]
    for one in records:
        ledger.append("general", one)
    for one in records:
        proof = ledger.prove("general", one.id)
        check_inclusion(proof)
        assert proof.record == one


def test_heads_are_signed_and_grow(ledger):
    check_tree_head(ledger.head("general"))
    before = ledger.head("general").size
    ledger.append("general", record())
    check_tree_head(ledger.head("general"))
    assert ledger.head("general").size > before


def test_pages_are_in_order_and_without_gaps_or_repeats(ledger):
    records = [record() for _ in range(7)]
    for one in records:
        ledger.append("general", one)
    seen, after = [], -1
    while page := ledger.page("general", after, 3):
        assert len(page) <= 3
        seen += [one for _, one in page]
        after = page[-1][0]
    assert seen == records


def test_many_threads_append_the_same_records_once_each(ledger):
    records = [record() for _ in range(12)]
    threads = [threading.Thread(target=lambda: [ledger.append("general", one) for one in records]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.id for _, one in ledger.page("general", -1, 100)) == sorted(one.id for one in records)
