"""Password accounts of the pages and bearer tokens of programs. Only hashes of secrets are stored."""

import hashlib
import hmac
import secrets
import sqlite3
import threading
import unicodedata
from typing import Any, get_args

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write, get_meta, set_meta
from appliance.store.limits import EDITS, UPKEEP
from appliance.store.lockout import Lockout
from contract.errors import Conflict, Rejected
from contract.identity import Identity, Role

SESSION_S = 12 * 3600.0
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256
# OWASP's Argon2id parameters for 19 MiB; a login costs some 50 ms of one core of a Nano.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Accounts:
    """Safe to use from several threads; passwords are checked one at a time, so guesses cannot race the lockout."""

    def __init__(self, connection: Connection, lockout: Lockout, clock: Clock) -> None:
        self._connection, self._lockout, self._clock = connection, lockout, clock
        self._one_at_a_time = threading.Lock()
        self._nobody = HASHER.hash(secrets.token_urlsafe())

    def any(self) -> bool:
        with self._connection.read() as db:
            return _any(db)

    def first_link(self) -> str:
        """A new single-use secret; an earlier one ends."""
        secret = secrets.token_urlsafe(24)
        with self._connection.write(EDITS) as write:
            if _any(write):
                raise Conflict("an account exists already", hint="log in, or ask whoever administers this box")
            set_meta(write, "first_link", _hash(secret))
        return secret

    def create_first(self, secret: str, name: str, password: str) -> Identity:
        """The first account, an admin. Raises Rejected for a wrong or used secret."""
        stored = _check(name, password)
        with self._connection.write(EDITS) as write:
            expected = get_meta(write, "first_link")
            if _any(write) or not expected or not hmac.compare_digest(expected, _hash(secret)):
                raise Rejected("this link is wrong or was used", hint="ask for a new one at the box")
            write.execute("DELETE FROM meta WHERE key = 'first_link'")
            self._insert(write, name, "admin", stored)
        return Identity(name, "admin")

    def create(self, name: str, password: str, role: Role) -> None:
        """Raises Conflict for a name that is taken, Rejected for a role, name or password that will not do."""
        _check_role(role)
        stored = _check(name, password)
        with self._connection.write(EDITS) as write:
            self._insert(write, name, role, stored)

    def _insert(self, write: Write, name: str, role: Role, stored: str) -> None:
        try:
            write.execute("INSERT INTO accounts VALUES (?,?,?,?)", (name, role, stored, instant(self._clock)))
        except sqlite3.IntegrityError as error:
            raise Conflict(f"there is an account {name!r} already") from error

    def log_in(self, name: str, password: str) -> str:
        """A session secret, good for twelve hours. Raises Rejected; Unavailable while locked out."""
        name = unicodedata.normalize("NFKC", name)[:100]
        with self._one_at_a_time:
            self._lockout.check(name)
            with self._connection.read() as db:
                row = db.execute("SELECT password FROM accounts WHERE name = ?", (name,)).fetchone()
            # An unknown name costs as much time as a wrong password.
            if not _fits(row[0] if row else self._nobody, password) or row is None:
                self._lockout.failed(name)
                raise Rejected("wrong name or password")
            self._lockout.succeeded(name)
        return self._open_session(name)

    def _open_session(self, name: str) -> str:
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._connection.write(UPKEEP) as write:
            write.execute("DELETE FROM sessions WHERE expires_at <= ? OR made_at > ?", (now, now))
            write.execute("INSERT INTO sessions VALUES (?,?,?,?)", (_hash(secret), name, now, now + SESSION_S))
        return secret

    def log_out(self, session: str) -> None:
        with self._connection.write(UPKEEP) as write:
            write.execute("DELETE FROM sessions WHERE hash = ?", (_hash(session),))

    def by_session(self, session: str) -> Identity | None:
        with self._connection.read() as db:
            row = db.execute("SELECT name, role FROM sessions JOIN accounts ON name = account WHERE hash = ? AND "
                             "expires_at > ?", (_hash(session), self._clock())).fetchone()
        return Identity(*row) if row else None

    def by_token(self, token: str) -> Identity | None:
        with self._connection.read() as db:
            row = db.execute("SELECT name, role FROM tokens WHERE hash = ?", (_hash(token),)).fetchone()
        return Identity(*row) if row else None

    def new_token(self, name: str, role: Role) -> str:
        """A bearer token; shown once, stored as its hash."""
        _check_role(role)
        name = _check_name(name)
        token = "sbx_" + secrets.token_urlsafe(32)
        with self._connection.write(EDITS) as write:
            write.execute("INSERT INTO tokens VALUES (?,?,?,?)", (_hash(token), name, role, instant(self._clock)))
        return token

    def list(self) -> list[dict[str, Any]]:
        """{kind: account or token, name, role, made_at}, accounts first."""
        with self._connection.read() as db:
            rows = db.execute("SELECT 'account', name, role, made_at FROM accounts UNION ALL "
                              "SELECT 'token', name, role, made_at FROM tokens ORDER BY 1, 2, 4").fetchall()
        return [dict(zip(("kind", "name", "role", "made_at"), row, strict=True)) for row in rows]


def _any(db: Any) -> bool:
    return db.execute("SELECT 1 FROM accounts LIMIT 1").fetchone() is not None


def _hash(secret: str) -> str:
    # Secrets of 192 bits and more need no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _fits(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, unicodedata.normalize("NFKC", password)[:LONGEST_PASSWORD])
    except VerificationError:
        return False


def _check_name(name: str) -> str:
    if not 1 <= len(name) <= 100 or not name.isprintable() or name != name.strip() \
            or name != unicodedata.normalize("NFKC", name):
        raise Rejected("a name has 1 to 100 printable characters and no space at its ends")
    return name


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise Rejected(f"no role {role!r}", hint=f"one of {', '.join(get_args(Role))}")


def _check(name: str, password: str) -> str:
    """The hash to store."""
    _check_name(name)
    password = unicodedata.normalize("NFKC", password)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Rejected(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, not {len(password)}")
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        raise Rejected("this password is too easy to guess")
    return HASHER.hash(password)
