"""The police organisation's database holds its own tables only, also one that had the campus's tables before."""

import contextlib

from sqlalchemy import text

from cloud.database import schema as campus
from cloud.database.opening import connect
from police.database.schema import MIGRATIONS
from tests.support.schema import assert_schema, tables_of

SHARED = {"meta", "counters", "audit", "accounts", "credentials", "guesses", "deliveries"}


def own_tables():
    shared = [table for wing in ("site", "telling", "access") for table in tables_of(f"cloud.database.tables.{wing}")]
    return [table for table in shared if table.name in SHARED] + tables_of("police.database.tables")


def test_a_new_one_has_just_the_tables_that_the_police_use(database):
    with database.read() as session:
        assert_schema(session, own_tables())


def test_one_with_the_tables_of_a_campus_keeps_its_entries(tmp_path):
    url = f"sqlite:///{tmp_path}/old.db"
    with contextlib.closing(connect(url, (campus.FIRST, campus.POLICE, campus.SUBMISSIONS))) as old, \
            old.write() as session:
        session.execute(text("INSERT INTO police_entries VALUES ('e', 1, 'campus', 'c', 'high', 3, 't', 'then')"))
    with contextlib.closing(connect(url, MIGRATIONS)) as new, new.read() as session:
        assert_schema(session, own_tables())
        assert session.execute(text("SELECT id, number FROM police_entries")).one() == ("e", 1)
