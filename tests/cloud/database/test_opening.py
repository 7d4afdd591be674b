"""Looking at a database beside the cloud makes, migrates and changes nothing."""

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cloud.database import meta
from cloud.database.opening import connect, open_existing
from contract.errors import Rejected, Unavailable
from tests.support import postgres


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/cloud.db"
    database = connect(url)
    with database.write() as session:
        meta.put(session, "site", "here")
    yield url
    database.close()


def test_it_is_read_beside_the_cloud(url):
    database = open_existing(url)
    with database.read() as session:
        assert meta.get(session, "site") == "here"
        with pytest.raises(OperationalError, match="readonly"):
            session.execute(text("DELETE FROM meta"))
    database.close()


def test_nothing_is_made(tmp_path):
    with pytest.raises(Unavailable, match=r"there is no database .*absent\.db"):
        open_existing(f"sqlite:///{tmp_path}/absent.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("statement", ["DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations)",
                                       "INSERT INTO migrations VALUES (999, '')"])
def test_another_schema_is_refused(url, tmp_path, statement):
    connection = sqlite3.connect(tmp_path / "cloud.db")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(Rejected, match="schema"):
        open_existing(url)


def test_what_is_no_database_of_a_cloud_is_refused(tmp_path):
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x (y)").connection.close()
    with pytest.raises(Unavailable, match="migrations"):
        open_existing(f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(Rejected, match="not supported"):
        open_existing("mysql://x")


def test_the_same_on_postgresql():
    with postgres.new_database() as url:
        with pytest.raises(Rejected, match="not one of a cloud"):
            open_existing(url)
        connect(url).close()
        open_existing(url).close()
