import sqlite3
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.ledger.embedded import EmbeddedLedger
from contract.errors import Rejected, Unavailable
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.proof.document import check_inclusion
from contract.proof.merkle import check_consistency
from tests.support.ledgers import prove, put


def record() -> LedgerRecord:
    return LedgerRecord(id=new_id(), commitment="ab" * 32, severity="low")


@given(channels=st.lists(st.sampled_from(["general", "police"]), max_size=20))
@settings(max_examples=15, deadline=None)
def test_every_prefix_is_consistent_and_every_proof_holds(tmp_path_factory, channels):
    ledger = EmbeddedLedger(tmp_path_factory.mktemp("ledger"))
    heads = {"general": [], "police": []}
    for channel in channels:
        one = record()
        put(ledger, channel, one)
        check_inclusion(prove(ledger, channel, one))
        heads[channel].append(ledger.head(channel))
    for channel, seen in heads.items():
        newest = ledger.head(channel)
        assert newest.size == len(seen)
        for old in seen:
            path = [bytes.fromhex(step) for step in ledger.consistency(channel, old.size)]
            check_consistency(
                bytes.fromhex(old.root), old.size, bytes.fromhex(newest.root), newest.size, path
            )
    ledger.close()


def filled(home, count=5) -> list[LedgerRecord]:
    ledger = EmbeddedLedger(home)
    records = [record() for _ in range(count)]
    for one in records:
        put(ledger, "general", one)
    ledger.close()
    return records


def test_it_goes_on_after_a_restart(tmp_path):
    records = filled(tmp_path)
    ledger = EmbeddedLedger(tmp_path)
    assert [one for _, one in ledger.page("general", -1, 10).records] == records
    assert put(ledger, "general", records[0]).block == 0
    assert put(ledger, "general", record()).block == 5
    ledger.close()


def test_keys_are_private(tmp_path):
    filled(tmp_path)
    for name in ("general", "police"):
        assert stat.S_IMODE((tmp_path / f"ledger-{name}.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE leaves SET content = replace(content, 'low', 'high') WHERE number = 2",
        "DELETE FROM leaves WHERE number = 4",
        "DELETE FROM leaves WHERE number = 1",
        "UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND number = 2",
        "UPDATE nodes SET hash = zeroblob(32) WHERE level = 2",
        "DELETE FROM nodes WHERE level = 2",
        "UPDATE heads SET head = replace(head, '\"size\":5', '\"size\":4')",
        "DELETE FROM heads WHERE channel = 'general'",
    ],
)
def test_a_changed_log_is_refused(tmp_path, damage):
    filled(tmp_path)
    connection = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    for trigger in ("leaves_stay", "leaves_are_kept"):
        connection.execute(f"DROP TRIGGER {trigger}")
    assert connection.execute(damage).rowcount
    connection.close()
    with pytest.raises(Rejected, match="general"):
        EmbeddedLedger(tmp_path)


def test_a_hash_that_goes_missing_meanwhile_is_said_so(tmp_path):
    records = filled(tmp_path)
    ledger = EmbeddedLedger(tmp_path)
    connection = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    assert connection.execute("DELETE FROM nodes WHERE level = 0").rowcount
    connection.close()
    with pytest.raises(Unavailable, match=r"general log .* misses some of its hashes"):
        prove(ledger, "general", records[0])
    ledger.close()


def test_leaves_cannot_be_changed_by_accident(tmp_path):
    filled(tmp_path)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    for change in ("DELETE FROM leaves", "UPDATE leaves SET at = ''"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
    connection.close()


def test_another_or_a_missing_key_is_refused(tmp_path):
    filled(tmp_path)
    key = tmp_path / "ledger-general.key"
    right = key.read_bytes()
    key.unlink()
    with pytest.raises(Rejected, match="missing"):
        EmbeddedLedger(tmp_path)
    key.write_bytes(bytes(31) + b"\1")
    with pytest.raises(Rejected, match="another key"):
        EmbeddedLedger(tmp_path)
    key.write_bytes(b"short")
    with pytest.raises(Rejected, match="32 bytes"):
        EmbeddedLedger(tmp_path)
    key.write_bytes(right)
    EmbeddedLedger(tmp_path).close()


def test_consistency_of_no_such_prefix_is_refused(tmp_path):
    filled(tmp_path)
    ledger = EmbeddedLedger(tmp_path)
    for size in (0, 6):
        with pytest.raises(Rejected):
            ledger.consistency("general", size)
    ledger.close()
