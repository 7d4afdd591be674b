"""From every older state of the database to the newest, with what was in it."""

import sqlite3

import pytest
from sqlite_utils import Database

from appliance.store.migrations import STEPS, migrate, steps
from contract.errors import Rejected
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
