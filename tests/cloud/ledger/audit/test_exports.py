"""A box's own export against what the cloud received."""

import pytest

from contract.chain import sign_entry
from contract.moments import now
from tests.support.campus import Campus
from tests.support.cloud_box import SimulatedBox


@pytest.fixture
def campus(tmp_path):
    campus = Campus(tmp_path)
    campus.fill()
    yield campus
    campus.close()


def test_what_never_arrived_is_named(campus):
    gate = campus.boxes["gate-1"]
    campus.lose(gate.log())
    campus.lose(gate.log())
    (finding,) = campus.audit(campus.export("gate-1")).findings()
    assert (finding.kind, finding.where) == ("export-longer", "box gate-1, entries 7 to 8")
    assert "gate-1.chain" in finding.text


def test_what_was_just_written_is_on_the_way(campus):
    campus.lose(campus.boxes["gate-1"].log())
    audit = campus.audit(campus.export("gate-1"), patience_s=900)
    assert list(audit.findings()) == []
    assert audit.waiting == 1


def test_a_shorter_export_is_named(campus):
    export = campus.export("gate-1", entries=campus.entries["gate-1"][:4])
    assert campus.kinds(export) == [("export-shorter", "box gate-1, entries 5 to 6")]


def test_an_older_export_is_none_the_worse(campus):
    before = now()
    export = campus.export("gate-1", at=before)
    later = campus.boxes["gate-1"].log()
    later_entry = later.body.entry.entry
    assert later_entry.at >= before
    export = campus.export("gate-1", at="2020-01-01T00:00:00.000Z", entries=campus.entries["gate-1"][:2])
    assert campus.kinds(export) == []


def test_another_entry_under_the_same_number(campus):
    signed = campus.entries["gate-1"][5]
    other = sign_entry(signed.entry.model_copy(update={"commitment": "ab" * 32}), campus.boxes["gate-1"].key)
    export = campus.export("gate-1", entries=[*campus.entries["gate-1"][:5], other])
    assert campus.kinds(export) == [("export-other", "box gate-1, entry 6")]


def test_a_gap_in_the_export(campus):
    entries = campus.entries["gate-1"]
    found = campus.kinds(campus.export("gate-1", entries=[*entries[:2], *entries[4:]]))
    assert [kind for kind, _ in found] == ["export-broken", "export-shorter"]
    assert found[0][1].endswith("gate-1.chain, entry 5") and found[1][1] == "box gate-1, entries 3 to 4"


def test_a_broken_link_and_a_foreign_signature_in_the_export(campus):
    entries, key = campus.entries["gate-1"], campus.boxes["gate-1"].key
    unlinked = sign_entry(entries[4].entry.model_copy(update={"previous": "cd" * 32}), key)
    foreign = sign_entry(entries[2].entry, SimulatedBox().key)
    found = list(campus.audit(campus.export("gate-1", entries=[*entries[:2], foreign, entries[3], unlinked,
                                                               entries[5]])).findings())
    broken = [(one.where.rpartition(", ")[2], one.text) for one in found if one.kind == "export-broken"]
    assert [where for where, _ in broken] == ["entry 3", "entry 5", "entry 6"]
    assert "not signed" in broken[0][1] and "does not follow" in broken[1][1] and "does not follow" in broken[2][1]
    assert [one.where for one in found if one.kind == "export-other"] == ["box gate-1, entry 5"]


def test_another_boxs_entry_in_the_export(campus):
    entries = [*campus.entries["gate-1"], campus.entries["roof-2"][0]]
    found = campus.kinds(campus.export("gate-1", entries=entries))
    assert {kind for kind, _ in found} == {"export-broken", "export-other"}


def test_a_cut_or_damaged_file_is_compared_as_far_as_it_goes(campus):
    path = campus.export("gate-1")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    (finding,) = campus.audit(path).findings()
    assert finding.kind == "export-damaged" and "stops after line 4" in finding.text
    campus.tamper("UPDATE entries SET hash = ? WHERE box = 'gate-1' AND sequence = 2", "ab" * 32)
    path.write_bytes(b"".join([*lines[:3], b"nonsense\n", *lines[4:]]))
    kinds = [kind for kind, _ in campus.kinds(path)]
    assert "export-other" in kinds and kinds[-1] == "export-damaged"
    path.write_bytes(b"")
    assert "export-damaged" in [kind for kind, _ in campus.kinds(path)]


def test_an_end_that_the_box_did_not_sign(campus):
    path = campus.export("gate-1")
    lines = path.read_bytes().splitlines(keepends=True)
    shorter = campus.export("gate-1", entries=campus.entries["gate-1"][:3]).read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], shorter[-1]]))
    ((kind, where),) = campus.kinds(path)
    assert kind == "export-broken" and where.endswith("last line")


def test_a_stranger_another_key_and_the_same_box_twice(campus):
    gate = campus.export("gate-1")
    twice = gate.with_name("again.chain")
    twice.write_bytes(gate.read_bytes())
    assert campus.kinds(gate, twice) == [("export-foreign", str(twice))]
    campus.tamper("DELETE FROM entries WHERE box = 'roof-2'")
    campus.boxes["roof-2"].key = SimulatedBox().key
    roof = campus.export("roof-2")
    (finding,) = [one for one in campus.audit(roof).findings() if one.kind.startswith("export")]
    assert finding.kind == "export-foreign" and "of key" in finding.text
    campus.tamper("DELETE FROM boxes WHERE id = 'roof-2'")
    (finding,) = [one for one in campus.audit(roof).findings() if one.kind.startswith("export")]
    assert finding.kind == "export-foreign" and "no box roof-2" in finding.text


def test_a_number_beyond_all_counting(campus):
    gate = campus.boxes["gate-1"]
    gate.sequence = 2**53 - 2
    campus.lose(gate.log())
    found = campus.kinds(campus.export("gate-1"))
    assert ("export-longer", f"box gate-1, entry {2**53 - 1}") in found and "export-broken" in {k for k, _ in found}


def test_a_record_that_the_cloud_has_of_another_box(campus):
    record = campus.entries["gate-1"][3].entry.record_id
    roof = campus.boxes["roof-2"]
    log = roof.log()
    entry = sign_entry(log.body.entry.entry.model_copy(update={"record_id": record}), roof.key)
    export = campus.export("roof-2", entries=[*campus.entries["roof-2"], entry])
    assert campus.kinds(export) == [("twice", "box roof-2, entry 3")]


def test_a_file_that_is_not_there_is_unavailable(campus, tmp_path):
    audit = campus.audit(tmp_path / "absent.chain")
    assert list(audit.findings()) == []
    assert audit.unavailable == [f"{tmp_path / 'absent.chain'} cannot be read: No such file or directory"]
