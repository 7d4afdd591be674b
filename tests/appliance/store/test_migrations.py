"""From every older state of the database to the newest, with what was in it."""

import sqlite3

import pytest
from sqlite_utils import Database

from access.credentials import fingerprint
from access.passwords import hashed
from appliance.store.migrations import STEPS, migrate, steps
from contract.errors import Rejected, Unavailable
from contract.incident import IncidentDraft

FALL = IncidentDraft("fall", "high", "2026-11-23T20:00:00.000Z", "Hall")


def schema(connection):
    return sorted(row[0] for row in connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '_sqlite%'"))


@pytest.mark.parametrize("older", STEPS)
def test_every_older_database_becomes_the_newest(reopen, tmp_path, older):
    (tmp_path / "home").mkdir()
    old = sqlite3.connect(tmp_path / "home" / "box.db", isolation_level=None)
    steps.apply(Database(old, execute_plugins=False), stop_before=older)
    if older != STEPS[0]:
        old.execute("INSERT INTO files (sha256, media_type, size, made_at) VALUES ('a', 'image/png', 1, '')")
    old.close()
    store = reopen()
    assert store.incidents.record(FALL, by="r")[1]
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    migrate(fresh)
    with store._connection.read() as db:
        assert schema(db) == schema(fresh)
        assert db.execute("SELECT count(*) FROM files").fetchone() == (int(older != STEPS[0]),)


def test_names_that_differed_in_case_only_stay_apart_and_tokens_and_locks_go_on(reopen, tmp_path, clock):
    (tmp_path / "home").mkdir()
    old = sqlite3.connect(tmp_path / "home" / "box.db", isolation_level=None)
    steps.apply(Database(old, execute_plugins=False), stop_before="m007_access")
    kept = hashed("correct horse battery", "ada")
    for name, at in (("ada", "2026-11-02T00:00:00.000Z"), ("Ada", "2026-11-01T00:00:00.000Z"),
                     ("Örs", "2026-11-01T00:00:00.000Z")):
        old.execute("INSERT INTO accounts VALUES (?, 'admin', ?, ?)", (name, kept, at))
    old.execute("INSERT INTO tokens VALUES (?, 'cctv', 'guard', '2026-11-01T00:00:00.000Z')", (fingerprint("secret"),))
    old.execute("INSERT INTO lockouts VALUES ('Örs', 6, 60, 0)")
    old.close()
    accounts = reopen().accounts
    assert [(one.key, one.name) for one in accounts.listing()] == [("ada", "Ada"), ("ada-2", "ada-2"), ("örs", "Örs")]
    for name, shown in (("ADA", "Ada"), ("Ada-2", "ada-2")):
        assert accounts.by_session(accounts.log_in(name, "correct horse battery")).name == shown
    assert accounts.by_token("secret") == ("cctv", "guard")
    with pytest.raises(Unavailable, match="60 seconds"):
        accounts.log_in("örs", "correct horse battery")


def test_a_step_that_fails_leaves_nothing_behind():
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE zones (other TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="zones"):
        migrate(db)
    assert [row for row in db.execute("SELECT name FROM _sqlite_migrations")][-1] == ("m003_people",)
    assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'notices'").fetchall()
    db.execute("DROP TABLE zones")
    assert migrate(db) == ["m004_telling", "m005_access", "m006_ledger_status", "m007_access"]
    assert migrate(db) == []


def test_a_database_of_a_newer_program_is_left_alone(store, reopen):
    with store._connection._lock:
        store._connection._writer.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
                                          "VALUES ('box', 'm999_later', '')")
    with pytest.raises(Rejected, match=r"newer program.*m999_later"):
        reopen()
