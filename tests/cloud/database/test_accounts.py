import pytest

from cloud.database import accounts
from cloud.database.accounts import FREE_FAILURES, AccountTable
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.moments import from_text, to_text

PASSWORD = "a long enough password"


@pytest.fixture
def table(database):
    return AccountTable(database)


def test_the_first_account_comes_by_the_newest_link_once(table):
    old, link = table.first_link(), table.first_link()
    with pytest.raises(Rejected, match="newest"):
        table.create_first(old, "Ada", PASSWORD)
    with pytest.raises(Rejected, match="too short"):
        table.create_first(link, "Ada", "short")
    assert table.create_first(link, "Ada", PASSWORD) == ("Ada", "admin")
    for again in (lambda: table.create_first(link, "Eve", PASSWORD), table.first_link):
        with pytest.raises(Conflict):
            again()


def test_sessions_and_tokens_are_told_apart_and_end(table, monkeypatch):
    table.create("Ada", PASSWORD, "guard")
    session = table.log_in("Ada", PASSWORD)
    token = table.new_token("script", "police")
    assert table.by_session(session) == ("Ada", "guard")
    assert table.by_token(token) == ("script", "police")
    assert table.by_token(session) is table.by_session(token) is table.by_session("x") is None
    table.log_out(session)
    assert table.by_session(session) is None
    table.revoke_tokens("script")
    assert table.by_token(token) is None
    with pytest.raises(NotFound):
        table.revoke_tokens("script")
    late = table.log_in("Ada", PASSWORD)
    now = accounts.now()
    monkeypatch.setattr(accounts, "now", lambda: to_text(from_text(now) + accounts.SESSION_LIFE))
    assert table.by_session(late) is None


def test_wrong_passwords_say_no_more_than_that_and_lock_for_a_while(table, monkeypatch):
    table.create("Ada", PASSWORD, "guard")
    said = set()
    for name in ["Nobody"] + ["Ada"] * FREE_FAILURES:
        with pytest.raises(Rejected) as caught:
            table.log_in(name, "wrong password")
        said.add(str(caught.value))
    assert len(said) == 1
    with pytest.raises(Unavailable, match="locked"):
        table.log_in("Ada", PASSWORD)
    now = accounts.now()
    monkeypatch.setattr(accounts, "now", lambda: to_text(from_text(now) + accounts.timedelta(seconds=31)))
    assert table.by_session(table.log_in("Ada", PASSWORD)) == ("Ada", "guard")


def test_nothing_secret_is_stored_or_listed(table, database):
    from sqlmodel import select

    from cloud.database.tables.site import AccountRow, SecretRow
    table.create("Ada", PASSWORD, "guard")
    session, token = table.log_in("Ada", PASSWORD), table.new_token("script", "guard")
    with database.read() as reading:
        stored = str(reading.exec(select(AccountRow)).all()) + str(reading.exec(select(SecretRow)).all())
    for secret in (PASSWORD, session, token):
        assert secret not in stored + str(table.list())
    assert "$argon2id$v=19$m=19456,t=2,p=1" in stored
    assert [(row["kind"], row["name"]) for row in table.list()] == [("account", "Ada"), ("token", "script")]


def test_a_name_is_taken_once(table):
    table.create("Ada", PASSWORD, "guard")
    with pytest.raises(Conflict):
        table.create("Ada", PASSWORD, "admin")
