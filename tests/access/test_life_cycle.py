"""Whatever happens in whatever order: what ended stays out, a lock holds, an admin is left."""

from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from access import passwords
from access.accounts import Accounts
from access.credentials import LINK_S, SESSION_S, fingerprint
from access.lockout import FREE_TRIES, pause_after
from access.storage import Account
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.identity import Identity
from tests.support.access_memory import MemoryTables

NAMES = ("Ada", "bob", "Cyd")
PASSWORDS = ("correct horse battery", "staple of the stable")
names = st.sampled_from([*NAMES, "ADA", "BOB ", "nobody"])
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def key(name: str) -> str:
    return name.strip().casefold()


class LifeCycle(RuleBasedStateMachine):
    """The model: who has which role and password (None: reset), which secrets are good until when, and the locks."""

    def __init__(self) -> None:
        super().__init__()
        self.strong, passwords.HASHER = passwords.HASHER, QUICK
        passwords.nobody.cache_clear()
        self.now = 1_795_000_000.0
        self.tables = MemoryTables()
        self.accounts = Accounts(self.tables, lambda: self.now)
        self.people: dict[str, tuple[str, str | None]] = {}
        self.sessions: dict[str, tuple[str, float]] = {}
        self.links: dict[str, tuple[str, float]] = {}
        self.tokens: dict[str, str] = {}
        self.ended: set[str] = set()
        self.failures: dict[str, tuple[int, float]] = {}

    def teardown(self) -> None:
        passwords.HASHER = self.strong
        passwords.nobody.cache_clear()

    @initialize()
    def first(self) -> None:
        self.accounts.create_first(self.accounts.first_link(), "Ada", PASSWORDS[0])
        self.people["ada"] = ("admin", PASSWORDS[0])

    def end_secrets(self, name: str, keep: str = "") -> None:
        for kept in (self.sessions, self.links):
            for secret in [s for s, (whose, _) in kept.items() if whose == key(name) and s != keep]:
                del kept[secret]
                self.ended.add(secret)

    def last_admin(self, name: str) -> bool:
        others = [(role, password) for k, (role, password) in self.people.items() if k != key(name)]
        mine = self.people.get(key(name))
        return mine is not None and mine[0] == "admin" and not any(
            role == "admin" and password is not None for role, password in others)

    @rule(seconds=st.sampled_from([1.0, 29.0, 61.0, 900.0, LINK_S / 4, SESSION_S]))
    def later(self, seconds: float) -> None:
        self.now += seconds

    @rule(name=st.sampled_from(NAMES), role=st.sampled_from(["guard", "admin"]), password=st.sampled_from(PASSWORDS))
    def create(self, name: str, role: str, password: str) -> None:
        try:
            self.accounts.create(name, password, role)
            assert key(name) not in self.people
            self.people[key(name)] = (role, password)
        except Conflict:
            assert key(name) in self.people

    @rule(name=names)
    def end(self, name: str) -> None:
        try:
            self.accounts.end(name)
            assert not self.last_admin(name)
            del self.people[key(name)]
            self.end_secrets(name)
            self.failures.pop(key(name), None)
        except NotFound:
            assert key(name) not in self.people
        except Conflict:
            assert self.last_admin(name)

    @rule(name=names, role=st.sampled_from(["guard", "admin"]))
    def change_role(self, name: str, role: str) -> None:
        try:
            self.accounts.change_role(name, role)
            assert role == "admin" or not self.last_admin(name)
            self.people[key(name)] = (role, self.people[key(name)][1])
        except NotFound:
            assert key(name) not in self.people
        except Conflict:
            assert self.last_admin(name) and role != "admin"

    @rule(name=names, password=st.sampled_from([*PASSWORDS, "a wrong guess"]))
    def log_in(self, name: str, password: str) -> None:
        count, until = self.failures.get(key(name), (0, 0.0))
        right = self.people.get(key(name), ("", None))[1] == password
        try:
            secret = self.accounts.log_in(name, password)
            assert right and self.now >= until
            self.sessions[secret] = (key(name), self.now + SESSION_S)
            self.failures.pop(key(name), None)
        except Unavailable:
            assert self.now < until and count >= FREE_TRIES
        except Rejected:
            assert not right and self.now >= until
            self.failures[key(name)] = (count + 1, self.now + pause_after(count + 1))

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), new=st.sampled_from(PASSWORDS))
    def change_password(self, data: st.DataObject, new: str) -> None:
        secret = data.draw(st.sampled_from(sorted(self.sessions)))
        whose, until = self.sessions[secret]
        role, old = self.people[whose]
        locked = self.now < self.failures.get(whose, (0, 0.0))[1]
        try:
            self.accounts.change_password(secret, old or "", new)
            assert self.now < until and not locked
            self.people[whose] = (role, new)
            self.end_secrets(whose, keep=secret)
            self.failures.pop(whose, None)
        except NotFound:
            assert self.now >= until
        except Unavailable:
            assert locked

    @rule(name=names)
    def reset(self, name: str) -> None:
        try:
            secret = self.accounts.reset(name)
            self.end_secrets(name)
            self.people[key(name)] = (self.people[key(name)][0], None)
            self.links[secret] = (key(name), self.now + LINK_S)
            self.failures.pop(key(name), None)
        except NotFound:
            assert key(name) not in self.people

    @precondition(lambda self: self.links)
    @rule(data=st.data(), password=st.sampled_from(PASSWORDS))
    def use_reset(self, data: st.DataObject, password: str) -> None:
        secret = data.draw(st.sampled_from(sorted(self.links)))
        whose, until = self.links[secret]
        try:
            self.accounts.use_reset(secret, password)
            assert self.now < until
            self.people[whose] = (self.people[whose][0], password)
            self.end_secrets(whose)
            self.failures.pop(whose, None)
        except Rejected:
            assert self.now >= until

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), by_admin=st.booleans())
    def end_session(self, data: st.DataObject, by_admin: bool) -> None:
        secret = data.draw(st.sampled_from(sorted(self.sessions)))
        whose = self.sessions.pop(secret)[0]
        if by_admin:
            listed = [one for one in self.accounts.sessions(whose)
                      if one.hash == fingerprint(secret)]
            for one in listed:
                self.accounts.end_session(one.id, Identity("root", "admin"))
        else:
            self.accounts.log_out(secret)
        self.ended.add(secret)

    @rule(name=st.sampled_from(["cctv", "bridge"]))
    def new_token(self, name: str) -> None:
        self.tokens[self.accounts.new_token(name, "guard")] = name

    @rule(name=st.sampled_from(["cctv", "CCTV", "bridge"]))
    def revoke(self, name: str) -> None:
        ended = {token for token, whose in self.tokens.items() if whose == key(name)}
        try:
            self.accounts.revoke_tokens(name)
            assert ended
        except NotFound:
            assert not ended
        for token in ended:
            del self.tokens[token]
            self.ended.add(token)

    @invariant()
    def what_is_good_lets_in_and_what_ended_does_not(self) -> None:
        for secret, (whose, until) in self.sessions.items():
            found = self.accounts.by_session(secret)
            assert (found is not None) == (self.now < until)
            assert found is None or (key(found.name), found.role) == (whose, self.people[whose][0])
        assert all(self.accounts.by_token(token) == (name, "guard") for token, name in self.tokens.items())
        for secret in [*self.ended, *self.links]:
            assert self.accounts.by_session(secret) is None and self.accounts.by_token(secret) is None

    @invariant()
    def an_admin_is_left(self) -> None:
        listed: list[Account] = self.accounts.listing()
        assert not self.people or any(one.role == "admin" for one in listed)
        assert {one.key: one.role for one in listed} == {k: role for k, (role, _) in self.people.items()}


TestLifeCycle = LifeCycle.TestCase
TestLifeCycle.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
