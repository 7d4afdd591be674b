import sqlite3
import threading

import pytest
from sqlalchemy import text
from sqlmodel import Session

from cloud.database import meta
from cloud.database.engine import insert_if_absent, upsert
from cloud.database.opening import connect
from cloud.database.tables.site import MetaRow
from contract.errors import Rejected, Unavailable
from tests.support.schema import assert_schema, campus_tables


def test_the_migrated_schema_is_that_of_the_tables(database):
    with database.read() as session:
        assert_schema(session, campus_tables())


def test_a_second_start_keeps_everything(database, url):
    with database.read() as session:
        epoch = meta.epoch(session)
    again = connect(url)
    with again.write() as session:
        assert meta.ensure_epoch(session) == epoch
    again.close()


def test_several_processes_may_migrate_at_once(url):
    errors = []

    def start():
        try:
            connect(url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_database_of_a_newer_program_is_refused(database, url):
    with database.write() as session:
        session.execute(text("INSERT INTO migrations VALUES (999, 'later')"))
    with pytest.raises(Rejected, match="999"):
        connect(url)


def test_a_failed_block_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError), database.write() as session:
        meta.put(session, "half", "done")
        raise ZeroDivisionError
    with database.read() as session:
        assert meta.get(session, "half") is None


def test_writing_inside_writing_is_an_error_at_once(database):
    with pytest.raises(RuntimeError, match="hand its session on"), database.write(), database.write():
        pass
    with database.write() as session:
        meta.put(session, "still", "works")


def test_a_reader_cannot_change_anything(database):
    with pytest.raises(Exception, match=r"(?i)readonly|read-only"), database.read() as session:
        meta.put(session, "by", "reader")
        session.commit()


def test_a_reader_sees_one_moment(database):
    with database.write() as session:
        meta.put(session, "moment", "before")
    with database.read() as reading:
        assert meta.get(reading, "moment") == "before"
        with database.write() as session:
            meta.put(session, "moment", "after")
        reading.expire_all()
        assert meta.get(reading, "moment") == "before"


@pytest.mark.parametrize("address", ["mysql://x/y", "sqlite://", "cloud.db", "postgresql+psycopg2://x"])
def test_other_databases_are_refused(address):
    with pytest.raises(Rejected, match="sqlite:////path"):
        connect(address)


def test_the_refusal_does_not_repeat_a_password():
    with pytest.raises(Rejected) as caught:
        connect("mysql://me:geheim@host/db")
    assert "geheim" not in str(caught.value)


def test_an_unreachable_database_is_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        connect(f"sqlite:///{tmp_path}/missing/cloud.db")
    with pytest.raises(Unavailable):
        connect(f"postgresql://me@/db?host={tmp_path}")


def test_sqlite_syncs_every_commit(tmp_path):
    database = connect(f"sqlite:///{tmp_path}/cloud.db")
    with database.write() as session:
        assert session.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        # BEGIN IMMEDIATE: another writer is kept out although nothing was written yet.
        other = sqlite3.connect(tmp_path / "cloud.db", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        assert isinstance(session, Session)
    database.close()


def test_inserting_if_absent_says_whether_it_was(database):
    with database.write() as session:
        assert insert_if_absent(session, MetaRow(key="a", value="first"))
        assert not insert_if_absent(session, MetaRow(key="a", value="second"))
        assert meta.get(session, "a") == "first"
        upsert(session, MetaRow(key="a", value="third"), ("key",))
    with database.read() as session:
        assert meta.get(session, "a") == "third"
