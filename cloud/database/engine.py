"""One database by URL, SQLite or PostgreSQL, with one way to write and one way to read."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session, SQLModel, create_engine

from cloud.database.turns import Turns
from contract.errors import Rejected

WRITE_WAIT_S = 30
READERS = 8


class Database:
    """`write()` gives a session that is one transaction; `read()` one consistent look that cannot change
    anything."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = reader
        self._writing = threading.local()
        self.is_sqlite = writer.dialect.name == "sqlite"
        # SQLite's one writing connection is handed out in the order of asking, which its pool does not promise.
        self._turns = Turns(WRITE_WAIT_S).turn if self.is_sqlite else nullcontext

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Commits at the end of the block (fsynced), rolls back when it raises. Do not nest: the second
        would wait for the first."""
        if getattr(self._writing, "on", False):
            raise RuntimeError("this thread is already inside database.write(): hand its session on")
        self._writing.on = True
        try:
            with self._turns(), Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            self._writing.on = False

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a snapshot; every change made through it is lost or refused."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Give all connections back."""
        self._reader.dispose()
        self._writer.dispose()


def insert_if_absent(session: Session, row: SQLModel) -> bool:
    """Run INSERT ... ON CONFLICT DO NOTHING; return whether the row is new."""
    # Asked by RETURNING, for the row count is -1 (unknown) on PostgreSQL.
    key = next(iter(_table(row).primary_key))
    inserted = session.execute(_insert(session, row).on_conflict_do_nothing().returning(key))
    return inserted.first() is not None


def upsert(session: Session, row: SQLModel, keys: tuple[str, ...]) -> None:
    """Run INSERT, or UPDATE every other column where `keys` (a unique constraint) are there already."""
    values = row.model_dump(exclude=set(keys))
    session.execute(_insert(session, row).on_conflict_do_update(index_elements=list(keys), set_=values))


def engines(url: str) -> Database:
    """Return the database of a url, not looked at yet. Raises Rejected for a url of another kind."""
    try:
        if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
            return _sqlite(url)
        if url.startswith("postgresql://"):
            return _postgresql(url)
    except ArgumentError as error:
        raise Rejected(f"the database url cannot be read: {error}") from error
    raise Rejected(
        f"database url {url.split('@')[-1]!r} is not supported",
        hint="use sqlite:////path/to/cloud.db or postgresql://user:password@host/name",
    )


def _insert(session: Session, row: SQLModel) -> Any:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(_table(row)).values(**row.model_dump())


def _table(row: SQLModel) -> Table:
    return row.metadata.tables[str(row.__tablename__)]


def _postgresql(url: str) -> Database:
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    writer = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)
    reader = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=READERS,
        isolation_level="REPEATABLE READ",
        connect_args={"options": "-c default_transaction_read_only=on"},
    )
    return Database(writer, reader)


def _sqlite(url: str) -> Database:
    # One writing connection in the whole process: several that write and checkpoint can corrupt a WAL
    # database (SQLite 3.7.0 to 3.51.2); who waits for it waits in Turns.
    writer = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )
    reader = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=READERS,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(writer, "connect")
    def _writer_opened(connection: Any, _record: Any) -> None:
        _plain_transactions(connection)
        _use_wal(connection)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "mmap_size=0",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(reader, "connect")
    def _reader_opened(connection: Any, _record: Any) -> None:
        _plain_transactions(connection)
        connection.execute("PRAGMA query_only=ON")

    @event.listens_for(writer, "begin")
    def _writer_begins(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(reader, "begin")
    def _reader_begins(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return Database(writer, reader)


def _plain_transactions(connection: Any) -> None:
    # Otherwise Python's sqlite3 decides when a transaction begins.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={WRITE_WAIT_S * 1000}")


def _use_wal(connection: Any) -> None:
    # Changing the journal mode does not wait for the busy timeout when another process opens the file just now.
    deadline = time.monotonic() + WRITE_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
