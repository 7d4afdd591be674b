"""Accounts on every storage there is: the same life cycle on the box's SQLite, the cloud's SQLite and PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from access import passwords
from access.accounts import Accounts
from access.credentials import LINK_S, SESSION_S, SKEW_S
from access.lockout import FREE_TRIES
from access.storage import Storage
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.identity import Identity
from tests.support import postgres
from tests.support.access_memory import MemoryTables

PASSWORD = "correct horse battery"
OTHER = "staple of the stable"


class Site:
    """Accounts on one storage, and a clock for everything that a test turns. `reopen` starts the process anew;
    `lines` is the trail, oldest first: (by, action, subject)."""

    def __init__(self, opened: Callable[["Site"], tuple[Storage, Callable[[], float]]],
                 lines: Callable[[], list[tuple[str, str, str]]]) -> None:
        self.now = 1_795_000_000.0
        self._opened, self.lines = opened, lines
        self.reopen()

    def reopen(self) -> None:
        self.storage, lock_clock = self._opened(self)
        self.accounts = Accounts(self.storage, lambda: self.now, lock_clock)


def memory(_home: Path) -> Iterator[Site]:
    tables = MemoryTables()
    yield Site(lambda site: (tables, lambda: site.now), lambda: [line[:3] for line in tables.lines])


def box_sqlite(home: Path) -> Iterator[Site]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.store.access import AccessTables
    from appliance.store.store import Store, open_store
    key, stores = Ed25519PrivateKey.generate(), list[Store]()

    def opened(site: Site) -> tuple[Storage, Callable[[], float]]:
        for store in stores:
            store.close()
        stores.append(open_store(home / "box", box="box-a", key=key, clock=lambda: site.now))
        tables = AccessTables(stores[-1]._connection, lambda: site.now, lambda: site.now - 1_795_000_000.0)
        return tables, tables.lock_clock

    yield Site(opened, lambda: [line[2:5] for line in reversed(stores[-1].trail.page(None, 200))])
    stores[-1].close()


def cloud_at(url: str) -> Iterator[Site]:
    from cloud.database import meta, trail
    from cloud.database.access import AccessTables
    from cloud.database.opening import connect
    database = connect(url)
    with database.write() as session:
        meta.ensure_epoch(session)

    def lines() -> list[tuple[str, str, str]]:
        with database.read() as session:
            return [(row.by, row.action, row.subject) for row in reversed(trail.page(session, None, 200))]

    yield Site(lambda site: (AccessTables(database), lambda: site.now), lines)
    database.close()


@pytest.fixture(params=["memory", "box-sqlite", "cloud-sqlite", "cloud-postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # The strength of the hash is tested in tests/access; here it would only be slow.
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    if request.param == "memory":
        yield from memory(tmp_path)
    elif request.param == "box-sqlite":
        yield from box_sqlite(tmp_path)
    elif request.param == "cloud-sqlite":
        yield from cloud_at(f"sqlite:///{tmp_path}/cloud.db")
    else:
        with postgres.new_database() as url:
            yield from cloud_at(url)


def test_the_first_account_comes_by_the_newest_link_once(site: Site):
    assert not site.accounts.any()
    old, link = site.accounts.first_link(), site.accounts.first_link()
    site.reopen()
    for secret in (old, "", "x"):
        with pytest.raises(Rejected, match="link"):
            site.accounts.create_first(secret, "ada", PASSWORD)
    with pytest.raises(Rejected, match="password"):
        site.accounts.create_first(link, "ada", "short")
    assert site.accounts.create_first(link, "ada", PASSWORD) == Identity("ada", "admin")
    with pytest.raises(Rejected, match="link"):
        site.accounts.create_first(link, "eve", PASSWORD)
    with pytest.raises(Conflict):
        site.accounts.first_link()
    assert site.accounts.any()


def test_sessions_begin_end_and_expire(site: Site):
    site.accounts.create("ada", PASSWORD, "guard")
    session, other = site.accounts.log_in("ada", PASSWORD), site.accounts.log_in("ada", PASSWORD)
    site.reopen()
    assert site.accounts.by_session(session) == Identity("ada", "guard")
    site.accounts.log_out(session)
    site.accounts.log_out(session)
    assert site.accounts.by_session(session) is None
    site.now += SESSION_S - 1
    assert site.accounts.by_session(other)
    site.now += 1
    assert site.accounts.by_session(other) is None
    site.now -= SESSION_S + SKEW_S + 1
    assert site.accounts.by_session(other) is None, "the clock was set back to before it began"


def test_sessions_and_tokens_are_told_apart_and_end(site: Site):
    site.accounts.create("Ada", PASSWORD, "guard")
    session, token = site.accounts.log_in("Ada", PASSWORD), site.accounts.new_token("script", "police")
    assert site.accounts.by_token(token) == ("script", "police")
    assert site.accounts.by_token(session) is site.accounts.by_session(token) is site.accounts.by_session("x") is None
    assert [(one.name, one.role) for one in site.accounts.tokens()] == [("script", "police")]
    site.accounts.new_token("Script", "guard")
    site.accounts.revoke_tokens("SCRIPT")
    assert site.accounts.by_token(token) is None and site.accounts.tokens() == []
    with pytest.raises(NotFound):
        site.accounts.revoke_tokens("script")


def test_a_name_is_taken_in_whatever_case_and_shown_as_typed(site: Site):
    site.accounts.create("Ada Größe", PASSWORD, "guard")
    for name in ("Ada Größe", "ADA GRÖSSE", "ada größe"):
        with pytest.raises(Conflict, match="capital"):
            site.accounts.create(name, OTHER, "admin")
    session = site.accounts.log_in(" ada GRÖSSE", PASSWORD)
    assert site.accounts.by_session(session) == ("Ada Größe", "guard")
    assert [one.name for one in site.accounts.listing()] == ["Ada Größe"]


def test_what_will_not_do(site: Site):
    for name, password, role in (("", PASSWORD, "guard"), (" a", PASSWORD, "guard"), ("a\n", PASSWORD, "guard"),
                                 ("bob", "aaaaaaaaaaaa", "guard"), ("bob", "x" * 300, "guard"),
                                 ("bob", PASSWORD, "king"), ("bobbobbobbob", "bobbobbobbob", "guard")):
        with pytest.raises(Rejected):
            site.accounts.create(name, password, role)
    assert site.accounts.listing() == []


def test_an_account_that_ends_takes_its_sessions_with_it(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    site.accounts.create("bob", PASSWORD, "guard")
    session, other = site.accounts.log_in("bob", PASSWORD), site.accounts.log_in("ada", PASSWORD)
    site.accounts.end("BOB", by="ada")
    assert site.accounts.by_session(session) is None and site.accounts.by_session(other)
    with pytest.raises(Rejected):
        site.accounts.log_in("bob", PASSWORD)
    for gone in (lambda: site.accounts.end("bob"), lambda: site.accounts.reset("bob"),
                 lambda: site.accounts.sessions("bob"), lambda: site.accounts.change_role("bob", "admin")):
        with pytest.raises(NotFound):
            gone()
    site.accounts.create("Bob", OTHER, "guard")
    assert site.accounts.by_session(session) is None, "an account made anew inherits no session"


def test_the_last_admin_can_neither_be_ended_nor_demoted(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    site.accounts.create("bob", PASSWORD, "guard")
    for act in (lambda: site.accounts.end("Ada"), lambda: site.accounts.change_role("ada", "supervisor")):
        with pytest.raises(Conflict, match="last admin"):
            act()
    session = site.accounts.log_in("ada", PASSWORD)
    site.accounts.change_role("bob", "admin", by="ada")
    site.accounts.change_role("ada", "guard", by="bob")
    assert site.accounts.by_session(session) == ("ada", "guard"), "a session has the role its account has now"
    site.accounts.end("ada", by="bob")


def test_an_admin_who_has_no_password_does_not_count_as_one(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    site.accounts.create("bob", PASSWORD, "admin")
    site.accounts.reset("bob", by="ada")
    for act in (lambda: site.accounts.end("ada"), lambda: site.accounts.change_role("ada", "guard")):
        with pytest.raises(Conflict, match="last admin"):
            act()


def test_two_admins_cannot_end_each_other(site: Site):
    for _ in range(5):
        for name in ("ada", "bob"):
            site.accounts.create(name, PASSWORD, "admin")
        barrier, refused = threading.Barrier(2), []

        def end(name: str, barrier=barrier, refused=refused) -> None:
            barrier.wait()
            try:
                site.accounts.end(name)
            except Conflict:
                refused.append(name)

        threads = [threading.Thread(target=end, args=(name,)) for name in ("ada", "bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = [one.name for one in site.accounts.listing()]
        assert len(left) == 1 and refused == left
        with site.storage.write() as write:
            write.drop_account(left[0])


def test_a_reset_ends_password_and_sessions_and_its_link_works_once(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    session = site.accounts.log_in("ada", PASSWORD)
    older, link = site.accounts.reset("ada", by="root"), site.accounts.reset("ADA", by="root")
    assert site.accounts.by_session(session) is None
    with pytest.raises(Rejected):
        site.accounts.log_in("ada", PASSWORD)
    with pytest.raises(Rejected, match="too easy"):
        site.accounts.use_reset(link, "password12345")
    for wrong in (older, "x", "", session):
        with pytest.raises(Rejected, match="link"):
            site.accounts.use_reset(wrong, OTHER)
    assert site.accounts.use_reset(link, OTHER) == ("ada", "admin")
    with pytest.raises(Rejected, match="link"):
        site.accounts.use_reset(link, PASSWORD)
    assert site.accounts.by_session(site.accounts.log_in("ada", OTHER))
    late = site.accounts.reset("ada")
    site.now += LINK_S
    with pytest.raises(Rejected, match="link"):
        site.accounts.use_reset(late, PASSWORD)


def test_changing_ones_password_ends_the_other_sessions(site: Site):
    site.accounts.create("ada", PASSWORD, "guard")
    mine, other = site.accounts.log_in("ada", PASSWORD), site.accounts.log_in("ada", PASSWORD)
    with pytest.raises(Rejected, match="old password"):
        site.accounts.change_password(mine, "a guess of mine", OTHER)
    with pytest.raises(Rejected, match="too easy"):
        site.accounts.change_password(mine, PASSWORD, "aaaaaaaaaa")
    site.accounts.change_password(mine, PASSWORD, OTHER)
    assert site.accounts.by_session(mine) and site.accounts.by_session(other) is None
    with pytest.raises(Rejected):
        site.accounts.log_in("ada", PASSWORD)
    site.accounts.log_in("ada", OTHER)
    with pytest.raises(NotFound, match="ended"):
        site.accounts.change_password(other, OTHER, PASSWORD)


def test_sessions_are_listed_and_ended_one_by_one(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    site.accounts.create("bob", PASSWORD, "guard")
    phone = site.accounts.log_in("bob", PASSWORD, "a phone")
    site.now += 1
    desk = site.accounts.log_in("bob", PASSWORD, "a desk")
    listed = [(one.agent, mine) for one, mine in site.accounts.own_sessions(desk)]
    assert listed == [("a phone", False), ("a desk", True)]
    lost = site.accounts.sessions("Bob")[0]
    with pytest.raises(NotFound):
        site.accounts.end_session(lost.id, Identity("cyd", "supervisor"))
    site.accounts.end_session(lost.id, Identity("bob", "guard"))
    assert site.accounts.by_session(phone) is None and site.accounts.by_session(desk)
    assert site.accounts.own_sessions(phone) == []
    site.accounts.end_session(site.accounts.sessions("bob")[0].id, Identity("ada", "admin"))
    assert site.accounts.by_session(desk) is None
    with pytest.raises(NotFound):
        site.accounts.end_session(lost.id, Identity("ada", "admin"))


def guess_until_locked(site: Site, name: str) -> list[str]:
    said = []
    for _ in range(FREE_TRIES):
        with pytest.raises(Rejected) as caught:
            site.accounts.log_in(name, "not the password")
        said.append(str(caught.value))
    with pytest.raises(Unavailable, match="try again in 30 seconds") as locked:
        site.accounts.log_in(name, PASSWORD)
    return [*said, str(locked.value)]


def test_a_lock_does_not_tell_which_names_exist(site: Site):
    site.accounts.create("ada", PASSWORD, "guard")
    assert guess_until_locked(site, "Ada") == guess_until_locked(site, "nobody")
    for name in ("ADA", "Nobody"):
        with pytest.raises(Unavailable):
            site.accounts.log_in(name, PASSWORD)
    site.reopen()
    for name in ("ada", "nobody"):
        with pytest.raises(Unavailable, match="30 seconds"):
            site.accounts.log_in(name, PASSWORD)
    site.now += 30
    for name in ("ada", "nobody"):
        with pytest.raises(Rejected, match="wrong name or password"):
            site.accounts.log_in(name, "not the password")
        with pytest.raises(Unavailable, match="60 seconds"):
            site.accounts.log_in(name, PASSWORD)
    site.now += 60
    site.accounts.log_in("ada", PASSWORD)
    guess_until_locked(site, "ada")  # the count began anew


def test_guesses_at_a_time_get_no_further_than_one_after_the_other(site: Site):
    site.accounts.create("ada", PASSWORD, "guard")
    looked_at = []

    def guess() -> None:
        try:
            site.accounts.log_in("ada", "not the password")
        except Rejected:
            looked_at.append(True)
        except Unavailable:
            pass

    threads = [threading.Thread(target=guess) for _ in range(3 * FREE_TRIES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == FREE_TRIES


def test_made_up_names_do_not_fill_the_memory(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("access.accounts.MOST_NAMES", 5)
    for number in range(8):
        site.now += 1
        with pytest.raises(Rejected):
            site.accounts.log_in(f"name {number}", "x")
    with site.storage.read() as reading:
        assert [reading.guesses(f"name {number}").failures for number in range(8)] == [0] * 3 + [1] * 5


def test_the_trail_says_who_did_what(site: Site):
    site.accounts.create_first(site.accounts.first_link(), "Ada", PASSWORD)
    site.accounts.create("bob", PASSWORD, "guard", by="Ada")
    with pytest.raises(Rejected):
        site.accounts.log_in("bob", "wrong")
    session = site.accounts.log_in("BOB", PASSWORD)
    site.accounts.change_password(session, PASSWORD, OTHER)
    site.accounts.log_out(session)
    site.accounts.new_token("cctv", "guard", by="Ada")
    site.accounts.revoke_tokens("cctv", by="Ada")
    site.accounts.change_role("bob", "supervisor", by="Ada")
    site.accounts.reset("bob", by="Ada")
    site.accounts.end("bob", by="Ada")
    for name in ("x", "y", "z"):
        with pytest.raises(Rejected):
            site.accounts.log_in(name, "wrong")
    assert site.lines() == [
        ("Ada", "account.created", "Ada"), ("Ada", "account.created", "bob"), ("bob", "account.refused", "bob"),
        ("bob", "account.log-in", "bob"), ("bob", "account.password", "bob"), ("bob", "account.log-out", "bob"),
        ("Ada", "token.made", "cctv"), ("Ada", "token.revoked", "cctv"), ("Ada", "account.role", "bob"),
        ("Ada", "account.reset", "bob"), ("Ada", "account.ended", "bob"),
        # Names that nobody has are not written down, and not once per guess: they would fill the trail.
        ("unknown", "account.refused", "unknown")]


def test_nothing_secret_is_kept(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    secrets = [PASSWORD, site.accounts.log_in("ada", PASSWORD), site.accounts.new_token("x", "guard")]
    with site.storage.read() as reading:
        kept = str([reading.accounts(), *(reading.credentials(kind) for kind in ("session", "token", "link"))])
    assert not [secret for secret in secrets if secret in kept]
    assert "$argon2id$" in kept


def test_a_change_that_fails_leaves_nothing_behind(site: Site):
    site.accounts.create("ada", PASSWORD, "admin")
    with pytest.raises(ZeroDivisionError), site.storage.write() as write:
        write.drop_account("ada")
        write.note("x", "y", "z")
        raise ZeroDivisionError
    assert [one.name for one in site.accounts.listing()] == ["ada"]
    assert site.lines()[-1][1] == "account.created"
