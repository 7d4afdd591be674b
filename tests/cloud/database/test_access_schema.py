"""Accounts of an older database are taken over."""

from sqlalchemy import text

from access.credentials import fingerprint
from access.passwords import hashed
from cloud.database import meta
from cloud.database.access import accounts_of
from cloud.database.access_schema import ACCESS
from cloud.database.opening import connect
from cloud.database.schema import MIGRATIONS

PASSWORD = "correct horse battery"


def test_names_that_differed_in_case_only_stay_apart_and_tokens_go_on(url):
    before = MIGRATIONS[:MIGRATIONS.index(ACCESS)]
    old = connect(url, before)
    kept = hashed(PASSWORD, "ada")
    with old.write() as session:
        meta.ensure_epoch(session)
        for name, at in (("ada", "2026-11-02T00:00:00.000Z"), ("Ada", "2026-11-01T00:00:00.000Z"),
                         ("Örs", "2026-11-01T00:00:00.000Z")):
            session.execute(text("INSERT INTO accounts VALUES (:name, 'admin', :password, :at, 7, :at)"),
                            {"name": name, "password": kept, "at": at})
        session.execute(text("INSERT INTO secrets VALUES (:hash, 'token', 'cctv', 'guard', :at, '')"),
                        {"hash": fingerprint("secret"), "at": "2026-11-01T00:00:00.000Z"})
    old.close()
    database = connect(url)
    accounts = accounts_of(database)
    assert [(one.key, one.name) for one in accounts.listing()] == [("ada", "Ada"), ("ada-2", "ada-2"), ("örs", "Örs")]
    for name, shown in (("ADA", "Ada"), ("Ada-2", "ada-2"), ("ÖRS", "Örs")):
        assert accounts.by_session(accounts.log_in(name, PASSWORD)).name == shown
    assert accounts.by_token("secret") == ("cctv", "guard")
    database.close()
