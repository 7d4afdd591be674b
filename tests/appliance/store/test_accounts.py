"""Accounts: only hashes are stored, guessing is slow, and a restart changes nothing."""

import pytest

from appliance.store.accounts import SESSION_S
from appliance.store.lockout import FREE_TRIES, Lockout, pause_after
from contract.errors import Conflict, Rejected, Unavailable
from contract.identity import Identity

PASSWORD = "correct horse battery"


def test_the_first_link_works_once(store, reopen):
    assert not store.accounts.any()
    old, link = store.accounts.first_link(), store.accounts.first_link()
    store = reopen()
    for secret in (old, "", "x"):
        with pytest.raises(Rejected, match="link"):
            store.accounts.create_first(secret, "ada", PASSWORD)
    with pytest.raises(Rejected, match="password"):
        store.accounts.create_first(link, "ada", "short")
    assert store.accounts.create_first(link, "ada", PASSWORD) == Identity("ada", "admin")
    with pytest.raises(Rejected, match="link"):
        store.accounts.create_first(link, "eve", PASSWORD)
    with pytest.raises(Conflict):
        store.accounts.first_link()
    assert store.accounts.any()


def test_sessions_begin_end_and_expire(store, clock, reopen):
    store.accounts.create("ada", PASSWORD, "guard")
    session, other = store.accounts.log_in("ada", PASSWORD), store.accounts.log_in("ada", PASSWORD)
    store = reopen()
    assert store.accounts.by_session(session) == Identity("ada", "guard")
    store.accounts.log_out(session)
    assert store.accounts.by_session(session) is None
    clock.now += SESSION_S - 1
    assert store.accounts.by_session(other)
    clock.now += 1
    assert store.accounts.by_session(other) is None


def test_tokens_and_the_list(store):
    store.accounts.create("ada", PASSWORD, "admin")
    token = store.accounts.new_token("cctv", "supervisor")
    assert store.accounts.by_token(token) == Identity("cctv", "supervisor")
    assert store.accounts.by_token(token[:-1]) is None and store.accounts.by_session(token) is None
    assert [(e["kind"], e["name"], e["role"]) for e in store.accounts.list()] == [
        ("account", "ada", "admin"), ("token", "cctv", "supervisor")]


def test_no_secret_is_in_the_files(store, tmp_path):
    store.accounts.create("ada", PASSWORD, "admin")
    secrets = [PASSWORD, store.accounts.log_in("ada", PASSWORD), store.accounts.new_token("x", "guard")]
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert not [secret for secret in secrets if secret.encode() in path.read_bytes()]


def test_what_will_not_do(store):
    store.accounts.create("ada", PASSWORD, "guard")
    with pytest.raises(Conflict):
        store.accounts.create("ada", PASSWORD, "guard")
    for name, password, role in (("", PASSWORD, "guard"), (" a", PASSWORD, "guard"), ("a\n", PASSWORD, "guard"),
                                 ("bob", "aaaaaaaaaaaa", "guard"), ("bob", "x" * 300, "guard"),
                                 ("bob", PASSWORD, "king"), ("bobbobbobbob", "bobbobbobbob", "guard")):
        with pytest.raises(Rejected):
            store.accounts.create(name, password, role)


def guess_until_locked(store, name):
    for _ in range(FREE_TRIES):
        with pytest.raises(Rejected, match="wrong name or password"):
            store.accounts.log_in(name, "not the password")


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_guessing_locks_out_also_names_that_do_not_exist_and_over_a_restart(store, reopen, clock, name):
    store.accounts.create("ada", PASSWORD, "guard")
    guess_until_locked(store, name)
    with pytest.raises(Unavailable, match="try again in"):
        store.accounts.log_in(name, PASSWORD)
    store = reopen()
    clock.now += 10 * 365 * 86400  # the wall clock is no way out
    with pytest.raises(Unavailable):
        store.accounts.log_in(name, PASSWORD)


def test_a_lockout_ends_and_grows(store, clock):
    now = [0.0]
    lockout = Lockout(store._connection, clock, lambda: now[0])
    for _ in range(FREE_TRIES):
        lockout.check("ada")
        lockout.failed("ada")
    with pytest.raises(Unavailable, match="30 seconds"):
        lockout.check("ada")
    lockout.check("bob")
    now[0] += 30
    lockout.check("ada")
    lockout.failed("ada")
    with pytest.raises(Unavailable, match="60 seconds"):
        lockout.check("ada")
    again = Lockout(store._connection, clock, lambda: 5000.0)
    with pytest.raises(Unavailable, match="60 seconds"):
        again.check("ada")
    lockout.succeeded("ada")
    lockout.check("ada")
    Lockout(store._connection, clock).check("ada")


def test_pauses_grow_to_a_quarter_of_an_hour():
    assert [pause_after(n) for n in (0, 4, 5, 6, 9, 10, 10_000)] == [0, 0, 30, 60, 480, 900, 900]


def test_made_up_names_do_not_fill_the_memory(store, clock, monkeypatch):
    monkeypatch.setattr("appliance.store.lockout.MOST_NAMES", 20)
    lockout = Lockout(store._connection, clock)
    for number in range(25):
        clock.now += 1
        lockout.failed(f"name {number}")
    with store._connection.read() as db:
        left = db.execute("SELECT count(*), min(at) FROM lockouts").fetchone()
    assert left == (20, clock.now - 19)
