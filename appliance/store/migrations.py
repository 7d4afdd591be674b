"""The tables, as an ordered list of steps. A step and the record that it was taken are one transaction.

Never change a step that was released: add one.
"""

import sqlite3

from sqlite_utils import Database, Migrations

from access.names import canonical, free_key
from contract.errors import Rejected
from contract.moments import from_text

steps = Migrations("box")


def _run(db: Database, *statements: str) -> None:
    for statement in statements:
        db.execute(statement)


@steps()
def m001_records(db: Database) -> None:
    """Make incidents, actions, log records and the chain entry each leaves."""
    _run(
        db,
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE entries (
            sequence INTEGER PRIMARY KEY, record_type TEXT NOT NULL, record_id TEXT NOT NULL UNIQUE,
            hash TEXT NOT NULL, salt TEXT NOT NULL, signed TEXT NOT NULL,
            committed_at TEXT, reason TEXT NOT NULL DEFAULT '', anchors TEXT NOT NULL DEFAULT '[]',
            inclusions TEXT NOT NULL DEFAULT '[]') STRICT""",
        """CREATE TABLE incidents (
            id TEXT PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL, camera TEXT,
            state TEXT NOT NULL, recorded_by TEXT NOT NULL, content TEXT NOT NULL) STRICT, WITHOUT ROWID""",
        "CREATE INDEX incidents_by_time ON incidents (at DESC, id DESC)",
        """CREATE TABLE concerns (
            record TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (record, person)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX concerns_by_person ON concerns (person)",
        """CREATE TABLE actions (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, incident TEXT NOT NULL, at TEXT NOT NULL,
            content TEXT NOT NULL) STRICT""",
        "CREATE INDEX actions_by_incident ON actions (incident, at, number)",
        "CREATE TABLE logs (id TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE files (
            sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, size INTEGER NOT NULL, made_at TEXT NOT NULL,
            named INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID""",
        """CREATE TABLE idempotency (
            kind TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, record_id TEXT NOT NULL, at TEXT NOT NULL,
            PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID""",
    )


@steps()
def m002_outbox(db: Database) -> None:
    """Make the outbox: what the cloud has to be told. `rank` is the order of sending; rows of one lane go one after the
    other.
    """
    _run(
        db,
        """CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, subject TEXT NOT NULL,
            lane TEXT, rank INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', hash TEXT, body TEXT NOT NULL,
            made_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
            received_at TEXT, reason TEXT NOT NULL DEFAULT '',
            open INTEGER GENERATED ALWAYS AS (state IN ('waiting', 'sent')) VIRTUAL) STRICT""",
        "CREATE INDEX outbox_open ON outbox (open, rank)",
        "CREATE INDEX outbox_lanes ON outbox (lane, seq, open)",
        "CREATE INDEX outbox_subjects ON outbox (subject)",
        "CREATE INDEX outbox_received ON outbox (received_at) WHERE state = 'received'",
        "CREATE INDEX outbox_parked ON outbox (seq) WHERE state = 'parked'",
    )


@steps()
def m003_people(db: Database) -> None:
    """Make profiles (content is the truth, friendships find who names whom, of_cloud: see feed.py) and the erased."""
    _run(
        db,
        """CREATE TABLE profiles (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, revision INTEGER NOT NULL, templates INTEGER NOT NULL,
            generation INTEGER NOT NULL DEFAULT 0, content TEXT NOT NULL, of_cloud TEXT) STRICT, WITHOUT ROWID""",
        "CREATE INDEX profiles_edited ON profiles (id) WHERE of_cloud IS NOT NULL",
        """CREATE TABLE friendships (
            person TEXT NOT NULL, friend TEXT NOT NULL, PRIMARY KEY (friend, person)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX friendships_by_person ON friendships (person)",
        """CREATE TABLE erasures (
            profile_id TEXT PRIMARY KEY, requested_at TEXT NOT NULL, requested_by TEXT NOT NULL,
            erased_at TEXT NOT NULL, cloud_confirmed_at TEXT) STRICT, WITHOUT ROWID""",
    )


@steps()
def m004_telling(db: Database) -> None:
    """Make notices and how each telling stands; zones."""
    _run(
        db,
        "CREATE TABLE notices (id TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE deliveries (
            id TEXT PRIMARY KEY, subject TEXT NOT NULL, recipient TEXT NOT NULL, content TEXT NOT NULL
            ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX deliveries_by_subject ON deliveries (subject)",
        "CREATE INDEX deliveries_by_recipient ON deliveries (recipient)",
        """CREATE TABLE zones (
            camera TEXT PRIMARY KEY, revision INTEGER NOT NULL, content TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    )


@steps()
def m005_access(db: Database) -> None:
    """Make accounts, sessions and tokens; only hashes of secrets."""
    _run(
        db,
        """CREATE TABLE accounts (
            name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, made_at TEXT NOT NULL
            ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE sessions (
            hash TEXT PRIMARY KEY, account TEXT NOT NULL, made_at REAL NOT NULL, expires_at REAL NOT NULL
            ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE tokens (
            hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, made_at TEXT NOT NULL
            ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE lockouts (
            name TEXT PRIMARY KEY, failures INTEGER NOT NULL, locked_s REAL NOT NULL, at REAL NOT NULL
            ) STRICT, WITHOUT ROWID""",
    )


@steps()
def m006_ledger_status(db: Database) -> None:
    """Make columns for what the cloud last said of a record's way onto the ledger ("" before it did), and why it waits
    or is parked.
    """
    _run(
        db,
        "ALTER TABLE entries ADD COLUMN ledger_status TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE entries ADD COLUMN ledger_reason TEXT NOT NULL DEFAULT ''",
        "UPDATE entries SET ledger_status = 'anchored' WHERE anchors <> '[]'",
    )


@steps()
def m007_access(db: Database) -> None:
    """Names of accounts without case, what was handed out in one table, a trail. Sessions and the link end with it."""
    _run(
        db,
        "ALTER TABLE accounts RENAME TO older_accounts",
        """CREATE TABLE accounts (
            key TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, password TEXT NOT NULL,
            created_at REAL NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE credentials (
            hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT NOT NULL,
            name TEXT NOT NULL, role TEXT NOT NULL, agent TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL
            ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX credentials_of_account ON credentials (kind, account)",
        """CREATE TABLE guesses (
            key TEXT PRIMARY KEY, failures INTEGER NOT NULL, until REAL NOT NULL, at REAL NOT NULL
            ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX guesses_by_time ON guesses (at)",
        """CREATE TABLE trail (
            number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
            subject TEXT NOT NULL, detail TEXT NOT NULL) STRICT""",
    )
    taken: set[str] = set()
    for name, role, password, made_at in db.execute("SELECT * FROM older_accounts ORDER BY made_at, name").fetchall():
        key = free_key(canonical(name), taken)
        taken.add(key)
        shown = name if key == canonical(name) else key
        db.execute("INSERT INTO accounts VALUES (?,?,?,?,?)",
                   (key, shown, role, password, from_text(made_at).timestamp()))
    for hash_, name, role, made_at in db.execute("SELECT * FROM tokens").fetchall():
        db.execute("INSERT INTO credentials VALUES (?,?,'token','',?,?,'',?,NULL)",
                   (hash_, hash_[:16], name, role, from_text(made_at).timestamp()))
    for name, failures, locked_s in db.execute("SELECT name, failures, locked_s FROM lockouts").fetchall():
        db.execute("INSERT OR REPLACE INTO guesses VALUES (?,?,?,0)", (canonical(name), failures, locked_s))
    _run(db, "DELETE FROM meta WHERE key = 'first_link'",
         *(f"DROP TABLE {table}" for table in ("older_accounts", "sessions", "tokens", "lockouts")))


STEPS = tuple(name for name in globals() if name.startswith("m0"))


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Take the steps not yet taken; return their names. Raises Rejected for a database of a newer program."""
    db = Database(connection, execute_plugins=False)
    newer = sorted({step.name for step in steps.applied(db)} - set(STEPS))
    if newer:
        raise Rejected(f"the box's memory was written by a newer program: it knows step {newer[-1]}",
                       hint="install that version again, or restore a backup made by this one")
    pending = [step.name for step in steps.pending(db)]
    steps.apply(db)
    return pending
