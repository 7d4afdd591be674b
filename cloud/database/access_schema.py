"""The tables of accounts as a migration: the cloud's database has them, and any other that keeps accounts."""

from sqlalchemy import text
from sqlmodel import Session

from access.names import canonical, free_key
from cloud.database.migrations import Migration
from contract.moments import from_text

ACCESS_TABLES: Migration = (
    """CREATE TABLE accounts (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, password TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL)""",
    """CREATE TABLE credentials (
    hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL CHECK (kind IN ('session', 'token', 'link')),
    account TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, agent TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION)""",
    "CREATE INDEX credentials_of_account ON credentials (kind, account)",
    """CREATE TABLE guesses (
    key TEXT PRIMARY KEY, failures INTEGER NOT NULL, until DOUBLE PRECISION NOT NULL, at DOUBLE PRECISION NOT NULL)""",
    "CREATE INDEX guesses_by_time ON guesses (at)",
)


def _take_over(session: Session) -> None:
    """Accounts and tokens of the tables before. Of two names that differ only in case the older account keeps its own,
    the other gets a number: `ada-2`. Sessions and the first account's link end with it."""
    taken: set[str] = set()
    older = session.execute(
        text("SELECT name, role, password, created_at FROM older_accounts ORDER BY created_at, name"))
    for name, role, password, created_at in older.all():
        key = free_key(canonical(name), taken)
        taken.add(key)
        session.execute(
            text("INSERT INTO accounts VALUES (:key, :name, :role, :password, :at)"),
            {"key": key, "name": name if key == canonical(name) else key, "role": role, "password": password,
             "at": from_text(created_at).timestamp()},
        )
    tokens = session.execute(text("SELECT hash, name, role, created_at FROM secrets WHERE kind = 'token'"))
    for hash_, name, role, created_at in tokens.all():
        session.execute(
            text("INSERT INTO credentials VALUES (:hash, :id, 'token', '', :name, :role, '', :at, NULL)"),
            {"hash": hash_, "id": hash_[:16], "name": name, "role": role, "at": from_text(created_at).timestamp()},
        )


ACCESS: Migration = (
    "ALTER TABLE accounts RENAME TO older_accounts",
    *ACCESS_TABLES,
    _take_over,
    "DROP TABLE older_accounts",
    "DROP TABLE secrets",
)
"""For a database that has accounts of the time when their names differed by case."""
