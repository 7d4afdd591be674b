"""Who may use the cloud's pages and API: password accounts, sessions, programs' tokens. Secrets are kept as hashes."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete
from sqlmodel import Session, col, select

from cloud.database import trail
from cloud.database.engine import Database, insert_if_absent
from cloud.database.tables.site import AccountRow, SecretRow
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.identity import Identity, Role
from contract.moments import from_text, now, to_text

MIN_PASSWORD = 10
SESSION_LIFE = timedelta(hours=12)
FREE_FAILURES = 5
LONGEST_LOCK_S = 900.0
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Checked where there is no such account, so that the time an answer takes does not tell names apart.
NOBODY = HASHER.hash(secrets.token_hex(16))
WRONG = "name or password is wrong"


class _Attempt(NamedTuple):
    password: str
    role: str | None


class AccountTable:
    """Each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Whether there is an account at all."""
        with self._database.read() as session:
            return _any(session)

    def first_link(self) -> str:
        """A new single-use secret with which the first account (admin) may be made; older ones end. Raises Conflict
        once there is an account."""
        secret = secrets.token_urlsafe(24)
        with self._database.write() as session:
            if _any(session):
                raise Conflict("there is an account already", hint="an admin makes further ones")
            session.execute(delete(SecretRow).where(col(SecretRow.kind) == "first"))
            _keep(session, secret, "first", "first", "admin")
        return secret

    def create_first(self, secret: str, name: str, password: str) -> Identity:
        """The first account, an admin. Raises Rejected for a wrong secret or password, Conflict when it was used."""
        hashed = _hashed(password)
        with self._database.write() as session:
            if _any(session):
                raise Conflict("there is an account already", hint="log in, or ask an admin for an account")
            row = session.get(SecretRow, _digest(secret))
            if row is None or row.kind != "first":
                raise Rejected(
                    "this link is not the newest one", hint="use the link printed at the last start"
                )
            session.delete(row)
            _add(session, name, hashed, "admin", by=name)
        return Identity(name, "admin")

    def create(self, name: str, password: str, role: Role, by: str = "admin") -> None:
        """Raises Conflict when the name is taken, Rejected for a short password."""
        hashed = _hashed(password)
        with self._database.write() as session:
            _add(session, name, hashed, role, by)

    def log_in(self, name: str, password: str) -> str:
        """A session secret. Raises Rejected (without saying which part was wrong), Unavailable while locked out."""
        with self._database.read() as session:
            row = session.get(AccountRow, name)
            attempt = _Attempt(row.password if row else NOBODY, row.role if row else None)
            wait = _locked_for(row) if row else 0.0
        if wait > 0:
            raise Unavailable(
                f"too many wrong passwords, locked for {wait:.0f} s", hint="wait, then try again"
            )
        right = _matches(attempt.password, password) and attempt.role is not None
        with self._database.write() as session:
            row = session.get(AccountRow, name, with_for_update=True)
            if not right or row is None:
                if row is not None:
                    _count_failure(session, row)
                secret = None
            else:
                row.failures, row.locked_until = 0, ""
                session.add(row)
                secret = secrets.token_urlsafe(32)
                _keep(session, secret, "session", name, row.role, SESSION_LIFE)
                trail.record(session, name, "account.log-in", name)
        if secret is None:
            raise Rejected(WRONG)
        return secret

    def log_out(self, session_secret: str) -> None:
        """End a session; an unknown one is ended already."""
        with self._database.write() as session:
            session.execute(
                delete(SecretRow).where(
                    col(SecretRow.hash) == _digest(session_secret), col(SecretRow.kind) == "session"
                )
            )

    def by_session(self, session_secret: str) -> Identity | None:
        """Whose session this is; None when it has ended."""
        return self._by(session_secret, "session")

    def by_token(self, token: str) -> Identity | None:
        """Whose token this is; None when there is no such token."""
        return self._by(token, "token")

    def new_token(self, name: str, role: Role, by: str = "admin") -> str:
        """A token for a program, shown once."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            _keep(session, token, "token", name, role)
            trail.record(session, by, "token.made", name, role=role)
        return token

    def revoke_tokens(self, name: str, by: str = "admin") -> None:
        """End every token of this name. Raises NotFound when there is none."""
        with self._database.write() as session:
            ended = session.exec(
                delete(SecretRow).where(col(SecretRow.kind) == "token", col(SecretRow.name) == name)
            )
            if not ended.rowcount:
                raise NotFound(f"there is no token of {name}")
            trail.record(session, by, "token.revoked", name)

    def list(self) -> list[dict[str, Any]]:
        """Accounts and tokens, without anything secret."""
        with self._database.read() as session:
            accounts = [
                {"kind": "account", "name": row.name, "role": row.role, "created_at": row.created_at}
                for row in session.exec(select(AccountRow).order_by(col(AccountRow.name)))
            ]
            tokens = [
                {"kind": "token", "name": row.name, "role": row.role, "created_at": row.created_at}
                for row in session.exec(
                    select(SecretRow)
                    .where(SecretRow.kind == "token")
                    .order_by(col(SecretRow.name), col(SecretRow.created_at))
                )
            ]
        return accounts + tokens

    def _by(self, secret: str, kind: str) -> Identity | None:
        with self._database.read() as session:
            row = session.get(SecretRow, _digest(secret))
            if row is None or row.kind != kind or (row.expires_at and row.expires_at <= now()):
                return None
            return Identity(row.name, row.role)  # type: ignore[arg-type]


def _any(session: Session) -> bool:
    return session.exec(select(AccountRow.name).limit(1)).first() is not None


def _add(session: Session, name: str, hashed: str, role: str, by: str) -> None:
    row = AccountRow(name=name, role=role, password=hashed, created_at=now())
    if not insert_if_absent(session, row):
        raise Conflict(f"there is an account {name} already")
    trail.record(session, by, "account.created", name, role=role)


def _keep(
    session: Session, secret: str, kind: str, name: str, role: str, life: timedelta | None = None
) -> None:
    made = now()
    expires = to_text(from_text(made) + life) if life else ""
    session.add(
        SecretRow(hash=_digest(secret), kind=kind, name=name, role=role, created_at=made, expires_at=expires)
    )
    session.execute(
        delete(SecretRow).where(col(SecretRow.expires_at) != "", col(SecretRow.expires_at) <= made)
    )
    session.flush()


def _count_failure(session: Session, row: AccountRow) -> None:
    row.failures += 1
    if row.failures >= FREE_FAILURES:
        wait = min(30.0 * 2 ** (row.failures - FREE_FAILURES), LONGEST_LOCK_S)
        row.locked_until = to_text(from_text(now()) + timedelta(seconds=wait))
        trail.record(session, row.name, "account.locked", row.name, seconds=int(wait))
    session.add(row)


def _locked_for(row: AccountRow) -> float:
    if not row.locked_until:
        return 0.0
    # Never longer than the longest lock, for the clock may have been set back since.
    return min((from_text(row.locked_until) - from_text(now())).total_seconds(), LONGEST_LOCK_S)


def _hashed(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise Rejected(
            f"a password of {len(password)} characters is too short", hint=f"use at least {MIN_PASSWORD}"
        )
    return HASHER.hash(password)


def _matches(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
