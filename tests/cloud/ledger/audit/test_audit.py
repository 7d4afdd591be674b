"""Every kind of gap and difference, made on purpose, is named; where all agrees nothing is."""

import json

import pytest

from cloud.database.ledger import audit_rows
from cloud.database.opening import connect
from cloud.database.tables.ledger import AnchorRow
from cloud.database.tables.records import EntryRow
from cloud.ledger.audit import books, exports
from cloud.ledger.audit.findings import ADVICE
from cloud.ledger.audit.walk import result_of
from cloud.ledger.embedded import EmbeddedLedger
from contract.chain import sign_entry
from contract.errors import Unavailable
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.messages import LogRecorded, make_up
from contract.moments import now
from tests.support import postgres
from tests.support.campus import LEDGER, Campus
from tests.support.cloud_box import SimulatedBox


@pytest.fixture
def campus(tmp_path):
    campus = Campus(tmp_path)
    yield campus
    campus.close()


@pytest.fixture
def ids(campus):
    return campus.fill()


def test_where_all_agrees_nothing_is_found(campus, ids):
    audit = campus.audit(campus.export("gate-1"), campus.export("roof-2"))
    assert list(audit.findings()) == []
    assert (audit.waiting, audit.unavailable) == (0, [])
    assert audit.checked == {"boxes": 2, "entries": 8, "proofs": 10, "ledger entries": 10, "exported entries": 8}


def test_an_empty_campus_agrees(campus):
    assert campus.kinds() == []


def place(ids, number, kind):
    return f"{kind} {ids[number - 1]} (box gate-1, entry {number})"


@pytest.mark.parametrize("column", ["sequence", "hash", "box"])
def test_an_entrys_changed_column(campus, ids, column):
    value = {"sequence": 60, "hash": "ab" * 32, "box": "roof-2"}[column]
    number = {"sequence": 6, "hash": 3, "box": 6}[column]
    campus.tamper(f"UPDATE entries SET {column} = ? WHERE box = 'gate-1' AND sequence = ?", value, number)
    found = [one for one in campus.audit().findings() if one.kind == "entry"]
    assert [column in one.text for one in found] == [True]


def test_an_entry_that_cannot_be_read(campus, ids):
    campus.tamper("UPDATE entries SET content = 'x' WHERE box = 'gate-1' AND sequence = 3")
    assert campus.kinds() == [("entry", "box gate-1, entry 3")]


def test_missing_numbers_are_one_gap(campus, ids):
    campus.tamper("DELETE FROM entries WHERE box = 'gate-1' AND sequence IN (3, 4)")
    found = campus.kinds()
    assert ("gap", "box gate-1, entries 3 to 4") in found
    # What was taken out is still in the other tables, and on the ledger.
    assert {kind for kind, _ in found} == {"gap", "stray", "unexplained"}
    assert sum(ids[2] in where for _, where in found) == 4


def test_a_young_gap_and_young_records_are_on_the_way(campus, ids):
    gate = campus.boxes["gate-1"]
    campus.lose(gate.log())
    campus.send(gate.incident("critical"))
    audit = campus.audit(patience_s=900)
    assert list(audit.findings()) == []
    assert audit.waiting == 3
    assert campus.kinds() == [("gap", "box gate-1, entry 7"), ("waiting", "box gate-1, entry 8"),
                              ("waiting", "box gate-1, entry 8")]


def resigned(campus, number, **changes):
    """The entry with other fields, signed by the box's key again, in the database's own columns too."""
    signed = campus.entries["gate-1"][number - 1]
    other = sign_entry(signed.entry.model_copy(update=changes), campus.boxes["gate-1"].key)
    campus.tamper("UPDATE entries SET content = ?, hash = ? WHERE box = 'gate-1' AND sequence = ?",
                  other.model_dump_json(), other.entry.hash(), number)
    return other


def test_a_broken_link(campus, ids):
    resigned(campus, 4, previous="cd" * 32)
    found = campus.kinds()
    assert ("link", "box gate-1, entry 4") in found and ("link", "box gate-1, entry 5") in found
    assert ("job", place(ids, 4, "log") + ", channel general") in found
    assert [ids[3] in where for kind, where in found if kind == "ledger-other"] == [True]


def test_a_foreign_signature(campus, ids):
    signed = campus.entries["gate-1"][2]
    forged = sign_entry(signed.entry, SimulatedBox().key)
    campus.tamper("UPDATE entries SET content = ? WHERE box = 'gate-1' AND sequence = 3", forged.model_dump_json())
    assert campus.kinds() == [("signature", "box gate-1, entry 3")]


@pytest.mark.parametrize(("table", "number", "old", "new"), [
    ("incidents", 2, "North gate", "South gate"),
    ("logs", 4, "Lab", "Bar"),
    ("actions", 3, "Guard", "Thief"),
])
def test_a_changed_record(campus, ids, table, number, old, new):
    campus.tamper(f"UPDATE {table} SET content = replace(content, ?, ?) WHERE id = ?", old, new, ids[number - 1])
    finding = next(campus.audit().findings())
    kind = {"incidents": "incident", "logs": "log", "actions": "action"}[table]
    assert (finding.kind, finding.where) == ("record-changed", place(ids, number, kind))
    assert "committed" in finding.text


@pytest.mark.parametrize(("table", "column", "value", "number", "kind"), [
    ("incidents", "severity", "low", 1, "incident"),
    ("incidents", "box", "roof-2", 1, "incident"),
    ("logs", "at", "2020-01-01T00:00:00.000Z", 4, "log"),
    ("actions", "verb", "resolve", 3, "action"),
])
def test_a_records_changed_column(campus, ids, table, column, value, number, kind):
    campus.tamper(f"UPDATE {table} SET {column} = ? WHERE id = ?", value, ids[number - 1])
    (finding,) = campus.audit().findings()
    assert (finding.kind, finding.where) == ("record-changed", place(ids, number, kind)) and column in finding.text


def test_an_unreadable_or_missing_record_and_a_changed_salt(campus, ids):
    campus.tamper("UPDATE logs SET content = '{' WHERE id = ?", ids[3])
    campus.tamper("DELETE FROM incidents WHERE id = ?", ids[4])
    campus.tamper("UPDATE entries SET salt = 'not hex' WHERE record_id = ?", ids[5])
    assert campus.kinds() == [("record-changed", place(ids, 4, "log")), ("record-missing", place(ids, 5, "incident")),
                              ("record-changed", place(ids, 6, "incident"))]


def test_an_erased_record_is_not_missing(campus, ids):
    campus.tamper("DELETE FROM incidents WHERE id = ?", ids[4])
    campus.tamper("UPDATE entries SET salt = '' WHERE record_id = ?", ids[4])
    assert campus.kinds() == []


def test_the_same_id_in_two_tables_and_two_boxes_with_one_key(campus, ids):
    campus.tamper("INSERT INTO logs SELECT ?, box, at, severity, content FROM logs WHERE id = ?", ids[4], ids[3])
    campus.tamper("INSERT INTO boxes SELECT 'twin', name, public_key, state, claimed_at, last_seen, status, agrees,"
                  " certificate_serial, certificate_expires FROM boxes WHERE id = 'gate-1'")
    assert campus.kinds() == [("twice", "boxes gate-1 and twin"), ("twice", place(ids, 5, "incident"))]


def test_an_unregistered_box_with_a_chain(campus, ids):
    campus.tamper("DELETE FROM boxes WHERE id = 'roof-2'")
    assert campus.kinds() == [("box", "box roof-2")]


@pytest.mark.parametrize("what", ["incident", "log record", "action", "ledger job", "anchor"])
def test_a_row_that_no_entry_explains(campus, ids, what):
    stray = new_id()
    table, key, source = {"incident": ("incidents", "id", ids[0]), "log record": ("logs", "id", ids[3]),
                          "action": ("actions", "id", ids[2]), "ledger job": ("ledger_jobs", "record_id", ids[3]),
                          "anchor": ("anchors", "record_id", ids[3])}[what]
    columns = {"incidents": "box, at, kind, severity, camera, location, content, received_at",
               "logs": "box, at, severity, content", "actions": "incident, box, at, verb, content",
               "ledger_jobs": "channel, box, content, urgent, state, submission, place, attempts, not_before, claim,"
                              " claimed_until, reason, queued_at",
               "anchors": "channel, anchor, inclusion"}[table]
    campus.tamper(f"INSERT INTO {table} ({key}, {columns}) SELECT ?, {columns} FROM {table} WHERE {key} = ?",
                  stray, source)
    ((kind, where),) = campus.kinds()
    assert kind == "stray" and where.startswith(f"{what} {stray}")


def test_what_was_refused_is_named_with_its_reason(campus, ids):
    gate = campus.boxes["gate-1"]
    message = gate.log()
    other = message.body.log.model_copy(update={"id": ids[3]})
    clash = make_up("gate-1", new_id(), now(), LogRecorded(log=other, **gate.chained("log", other)))
    campus.receive(clash, "quarantined")
    (finding,) = [one for one in campus.audit().findings() if one.kind == "refused"]
    assert finding.where == f"box gate-1, message {clash.id}" and "already" in finding.text


def test_a_record_without_a_job(campus, ids):
    campus.tamper("DELETE FROM ledger_jobs WHERE record_id = ?", ids[3])
    assert ("job", place(ids, 4, "log")) in campus.kinds()


@pytest.mark.parametrize(("old", "new"), [("medium", "low"), ('"commitment":"', '"commitment":"0')])
def test_a_changed_job(campus, ids, old, new):
    campus.tamper("UPDATE ledger_jobs SET content = replace(content, ?, ?) WHERE record_id = ?", old, new, ids[3])
    assert campus.kinds() == [("job", place(ids, 4, "log") + ", channel general")]


def test_waiting_and_parked_are_told_apart_and_put_together(campus, ids):
    gate = campus.boxes["gate-1"]
    for _ in range(5):
        campus.send(gate.log())
    campus.tamper("UPDATE ledger_jobs SET state = 'parked', reason = 'general: it clashes' WHERE record_id ="
                  " (SELECT record_id FROM entries WHERE box = 'gate-1' AND sequence = 9)")
    campus.tamper("UPDATE ledger_jobs SET reason = 'no peer' WHERE record_id ="
                  " (SELECT record_id FROM entries WHERE box = 'gate-1' AND sequence = 10)")
    with campus.database.read() as session:
        since = session.get(EntryRow, campus.entries["gate-1"][6].entry.record_id).received_at
    found = list(campus.audit().findings())
    assert sorted((one.kind, one.where) for one in found) == [
        ("parked", "box gate-1, entry 9"), ("waiting", "box gate-1, entries 10 to 11"),
        ("waiting", "box gate-1, entries 7 to 8")]
    waiting = next(one for one in found if one.where.endswith("7 to 8"))
    assert f"since {since}" in waiting.text and "recorded" in waiting.text
    assert "no peer" in next(one for one in found if one.where.endswith("10 to 11")).text
    assert "it clashes" in next(one for one in found if one.kind == "parked").text
    campus.tamper("UPDATE ledger_jobs SET state = 'recorded', reason = '' WHERE state = 'parked'")
    campus.anchor()
    assert campus.kinds() == []


def test_kept_places_and_proofs_that_were_changed(campus, ids):
    campus.tamper("DELETE FROM anchors WHERE record_id = ? AND channel = 'police'", ids[0])
    campus.tamper("UPDATE anchors SET anchor = 'x' WHERE record_id = ?", ids[1])
    campus.tamper("UPDATE anchors SET inclusion = replace(inclusion, '\"index\":', '\"index\":1') WHERE record_id = ?",
                  ids[2])
    campus.tamper("UPDATE anchors SET anchor = replace(anchor, 'general', 'police') WHERE record_id = ?", ids[4])
    channel = ", channel general"
    assert campus.kinds() == [
        ("anchor", place(ids, 1, "incident") + ", channel police"), ("anchor", place(ids, 2, "incident") + channel),
        ("proof", place(ids, 3, "action") + channel), ("anchor", place(ids, 5, "incident") + channel)]


def test_another_records_proof(campus, ids):
    campus.tamper("UPDATE anchors SET inclusion = (SELECT inclusion FROM anchors WHERE record_id = ?)"
                  " WHERE record_id = ?", ids[3], ids[5])
    (finding,) = campus.audit().findings()
    assert finding.kind == "proof" and "another record" in finding.text


def test_a_changed_step_of_the_merkle_path(campus, ids):
    with campus.database.read() as session:
        inclusion = json.loads(session.get(AnchorRow, (ids[3], "general")).inclusion)
    assert inclusion["path"]
    inclusion["path"][0] = "00" * 32
    campus.tamper("UPDATE anchors SET inclusion = ? WHERE record_id = ?", json.dumps(inclusion), ids[3])
    assert campus.kinds() == [("proof", place(ids, 4, "log") + ", channel general")]


def test_a_place_on_a_channel_where_it_never_should_go(campus, ids):
    campus.tamper("INSERT INTO anchors SELECT record_id, 'police', anchor, inclusion FROM anchors WHERE record_id = ?",
                  ids[3])
    assert campus.kinds() == [("anchor", place(ids, 4, "log") + ", channel police")]


def test_the_ledger_says_something_else_or_nothing(campus, ids):
    campus.tamper("UPDATE leaves SET content = replace(content, 'medium', 'low') WHERE id = ?", ids[3], file=LEDGER)
    campus.tamper("DELETE FROM leaves WHERE id = ?", ids[4], file=LEDGER)
    found = campus.kinds()
    assert ("ledger-other", place(ids, 4, "log") + ", channel general") in found
    assert ("ledger-missing", place(ids, 5, "incident") + ", channel general") in found


def test_a_ledger_entry_with_another_commitment(campus, ids):
    commitment = campus.entries["gate-1"][3].entry.hash()
    campus.tamper("UPDATE leaves SET content = replace(content, ?, ?) WHERE id = ?", commitment, "ab" * 32, ids[3],
                  file=LEDGER)
    found = campus.kinds()
    assert [kind for kind, where in found if ids[3] in where].count("ledger-other") == 2


def test_a_ledger_entry_that_cannot_be_read(campus, ids):
    campus.tamper("UPDATE leaves SET content = '{}' WHERE id = ?", ids[3], file=LEDGER)
    assert ("ledger-damaged", "channel general") in campus.kinds()


@pytest.mark.parametrize(("statement", "text"), [
    ("UPDATE leaves SET content = replace(content, 'medium', 'low') WHERE id = ?", "one of them was changed"),
    ("DELETE FROM leaves WHERE id = ?", "leaf 3 is missing"),
    ("UPDATE heads SET head = replace(head, '\"size\":8', '\"size\":7') WHERE channel = 'general' AND ? <> ''",
     "is not signed"),
    ("DELETE FROM heads WHERE channel = 'general' AND ? <> ''", "there is no log general"),
])
def test_the_log_is_not_what_was_signed(campus, ids, statement, text):
    with campus.database.read() as session:
        number = json.loads(session.get(AnchorRow, (ids[3], "general")).inclusion)["index"]
    campus.tamper(statement, ids[3], file=LEDGER)
    text = text.replace("leaf 3", f"leaf {number}")
    damaged = [one for one in campus.audit().findings() if one.kind == "ledger-damaged"]
    assert {one.where for one in damaged} == {"channel general"}
    assert any(text in one.text for one in damaged), damaged


def test_a_log_cut_off_at_its_end(campus, ids):
    campus.tamper("DELETE FROM leaves WHERE channel = 'general' AND number = 7", file=LEDGER)
    damaged = [one.text for one in campus.audit().findings() if one.kind == "ledger-damaged"]
    assert damaged == ["its signed head says 8 leaves, it has 7"]


def test_entries_that_no_box_explains(campus, ids):
    record = LedgerRecord(id=new_id(), commitment="ab" * 32, severity="low")
    campus.ledger.commit(campus.ledger.prepare("general", [record]))
    known = LedgerRecord(id=ids[3], commitment=campus.entries["gate-1"][3].entry.hash(), severity="medium")
    campus.ledger.commit(campus.ledger.prepare("police", [known]))
    found = list(campus.audit().findings())
    assert [one.kind for one in found] == ["unexplained", "unexplained"]
    assert record.id in found[0].where and "never meant for channel police" in found[1].text


def test_another_ledger_in_its_place(campus, ids, tmp_path):
    other = EmbeddedLedger(tmp_path / "other")
    kinds = {kind for kind, _ in campus.kinds(ledger=other)}
    other.close()
    assert kinds == {"ledger-missing"}


class Away:
    def head(self, *_):
        raise Unavailable("no peer answers")

    page = head


def test_a_ledger_that_is_away_is_said_once_and_the_rest_is_checked(campus, ids):
    campus.tamper("DELETE FROM incidents WHERE id = ?", ids[4])
    audit = campus.audit(ledger=Away())
    assert [one.kind for one in audit.findings()] == ["record-missing"]
    assert audit.unavailable == ["the ledger: no peer answers"]


def test_pages_do_not_hide_anything(campus, ids, monkeypatch):
    for module, name in ((audit_rows, "PAGE"), (books, "PAGE"), (exports, "CHUNK")):
        monkeypatch.setattr(module, name, 2)
    export = campus.export("gate-1")
    assert campus.kinds(export) == []
    campus.tamper("DELETE FROM entries WHERE box = 'gate-1' AND sequence IN (2, 3, 4)")
    found = campus.kinds(export)
    assert ("gap", "box gate-1, entries 2 to 4") in found
    assert sum(kind == "unexplained" for kind, _ in found) == 3
    assert [kind for kind, _ in found if kind == "export-longer"] == ["export-longer"]


def test_the_result_keeps_the_first_findings_and_knows_the_same_set_again(campus, ids):
    clean = result_of(campus.audit())
    assert (clean.count, clean.findings) == (0, ())
    campus.tamper("UPDATE entries SET salt = 'x' WHERE box = 'gate-1'")
    one, again = result_of(campus.audit()), result_of(campus.audit())
    assert one.count == 6 and one.fingerprint == again.fingerprint != clean.fingerprint
    campus.tamper("UPDATE entries SET salt = 'x' WHERE box = 'roof-2'")
    assert result_of(campus.audit()).fingerprint != one.fingerprint
    assert all(f.advice == ADVICE[f.kind] for f in one.findings)


def test_an_outage_that_goes_on_is_the_same_finding(campus, ids):
    gate = campus.boxes["gate-1"]
    campus.send(gate.log())
    first = result_of(campus.audit())
    campus.send(gate.log())
    assert result_of(campus.audit()).fingerprint == first.fingerprint
    assert result_of(campus.audit()).findings[0].where.endswith("entries 7 to 8")


def test_the_same_on_postgresql(tmp_path):
    with postgres.new_database() as url:
        campus = Campus(tmp_path, connect(url))
        ids = campus.fill()
        assert campus.kinds(campus.export("gate-1")) == []
        with campus.database.write() as session:
            session.delete(session.get(EntryRow, ids[3]))
        found = campus.kinds()
        assert ("gap", "box gate-1, entry 4") in found
        assert [ids[3] in where for kind, where in found if kind == "unexplained"] == [True]
        assert [where for kind, where in found if kind == "stray"] == [
            f"{what} {ids[3]} ({owner})" for what, owner in (
                ("log record", "gate-1"), ("ledger job", "general"), ("anchor", "general"))]
        campus.close()
