"""The chain's export: all of it, nothing else, also while the box runs."""

import io
import sqlite3

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.store.export import PAGE, export_chain
from contract.chain import check_chain, public_key_text
from contract.errors import Conflict, Rejected, Unavailable
from contract.proof.chain_file import ChainEnd, ChainFileHead, read_chain
from tests.appliance.store.conftest import AT, KEY

SECRET = "seen by Ada Lovelace behind the gym"


def logged(store, count):
    for number in range(count):
        store.logs.record(at=AT, location=f"Gym {number}", kind="manual", severity="low", description=SECRET,
                          by="Grace Hopper")


def exported(home, box="box-a", key=KEY):
    written = []
    count = export_chain(home, box, key, AT, written.append)
    return count, b"".join(written)


def test_a_running_boxs_whole_chain_is_written(store, tmp_path):
    logged(store, 3)
    count, data = exported(tmp_path / "home")
    head, *entries, end = read_chain(io.BytesIO(data))
    assert (count, head.device, head.box_key) == (3, "box-a", public_key_text(KEY))
    assert check_chain(entries, head.box_key) == 3
    assert isinstance(head, ChainFileHead) and isinstance(end, ChainEnd)
    end.check(head)
    logged(store, 1)
    assert exported(tmp_path / "home")[0] == 4


def test_it_goes_page_by_page(store, tmp_path, monkeypatch):
    monkeypatch.setattr("appliance.store.export.PAGE", 2)
    assert PAGE > 2
    logged(store, 5)
    count, data = exported(tmp_path / "home")
    _, *entries, _ = read_chain(io.BytesIO(data))
    assert count == 5 and check_chain(entries, public_key_text(KEY)) == 5


def test_neither_salts_nor_anything_of_the_records_are_in_it(store, tmp_path):
    logged(store, 2)
    _, data = exported(tmp_path / "home")
    connection = sqlite3.connect(tmp_path / "home" / "box.db")
    salts = [row[0] for row in connection.execute("SELECT salt FROM entries")]
    connection.close()
    assert len(salts) == 2
    for secret in (*salts, SECRET, "Grace", "Gym"):
        assert secret.encode() not in data


def test_another_box_or_key_is_refused(store, tmp_path):
    logged(store, 1)
    with pytest.raises(Conflict, match="box-a"):
        exported(tmp_path / "home", box="box-b")
    with pytest.raises(Conflict, match="box-a"):
        exported(tmp_path / "home", key=Ed25519PrivateKey.generate())


def test_no_memory_is_unavailable_and_a_damaged_one_says_where(reopen, tmp_path):
    with pytest.raises(Unavailable, match="no memory"):
        exported(tmp_path / "nowhere")
    store = reopen()
    logged(store, 2)
    store.close()
    connection = sqlite3.connect(tmp_path / "home" / "box.db")
    connection.execute("UPDATE entries SET signed = 'gone' WHERE sequence = 2")
    connection.commit()
    connection.close()
    with pytest.raises(Rejected, match="damaged between entries 1 and"):
        exported(tmp_path / "home")
