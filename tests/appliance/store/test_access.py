"""What the box's storage of accounts promises beyond the suite of all storages: files, clocks, a bounded trail."""

import pytest

from access.accounts import Accounts
from access.lockout import FREE_TRIES
from appliance.store import trail
from appliance.store.access import AccessTables
from contract.errors import Rejected, Unavailable

PASSWORD = "correct horse battery"


def guess(accounts: Accounts, name: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Rejected, match="wrong name or password"):
            accounts.log_in(name, "not the password")


def test_no_secret_is_in_the_files(store, tmp_path):
    store.accounts.create("ada", PASSWORD, "admin")
    secrets = [PASSWORD, store.accounts.log_in("ada", PASSWORD), store.accounts.new_token("x", "guard"),
               store.accounts.reset("ada")]
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert not [secret for secret in secrets if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_neither_a_restart_nor_the_wall_clock_is_a_way_out_of_a_lock(store, reopen, clock, name):
    store.accounts.create("ada", PASSWORD, "guard")
    guess(store.accounts, name, FREE_TRIES)
    with pytest.raises(Unavailable, match="try again in"):
        store.accounts.log_in(name, PASSWORD)
    store = reopen()
    clock.now += 10 * 365 * 86400
    with pytest.raises(Unavailable):
        store.accounts.log_in(name, PASSWORD)


def test_what_was_left_of_a_lock_begins_again_when_the_machine_starts_anew(store, clock):
    running = [100.0]
    tables = AccessTables(store._connection, clock, lambda: running[0])
    accounts = Accounts(tables, clock, tables.lock_clock)
    guess(accounts, "ada", FREE_TRIES)
    running[0] += 20
    with pytest.raises(Unavailable, match="10 seconds"):
        accounts.log_in("ada", PASSWORD)
    anew = AccessTables(store._connection, clock, lambda: 5.0)  # the machine's clock of running time starts small
    with pytest.raises(Unavailable, match="30 seconds"):
        Accounts(anew, clock, anew.lock_clock).log_in("ada", PASSWORD)


def test_the_trail_keeps_its_newest_lines(store, monkeypatch):
    monkeypatch.setattr(trail, "MOST_LINES", 3)
    for number in range(5):
        store.accounts.new_token(f"token {number}", "guard")
    assert [line.subject for line in store.trail.page(None, 10)] == ["token 4", "token 3", "token 2"]
    newest = store.trail.page(None, 1)[0]
    assert [line.subject for line in store.trail.page(newest.number, 1)] == ["token 3"]
