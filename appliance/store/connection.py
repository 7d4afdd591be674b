"""SQLite as this box needs it: one writing connection behind a lock, a few reading ones, a commit is on the disk."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from appliance.store.bus import Bus
from appliance.store.limits import PAGE, Ballast, Limits, Use, in_words, refusal
from appliance.store.migrations import migrate
from contract.errors import Unavailable
from contract.events import Event

IDLE_READERS = 4


class Write:
    """One transaction under way. What is emitted or put off happens only if it commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.events: list[Event] = []
        self.after: list[Callable[[], None]] = []

    def emit(self, event: Event) -> None:
        """Publish after the commit."""
        self.events.append(event)

    def then(self, action: Callable[[], None]) -> None:
        """Do after the commit, before the next transaction: for what must follow commits in their order."""
        self.after.append(action)


class Connection:
    """The database file of one box.

    Raises Unavailable when another process has it open for writing.
    """

    def __init__(self, home: Path, limits: Limits, bus: Bus, *, read_only: bool = False) -> None:
        self.home, self.limits, self.bus = home, limits, bus
        self.path = home / "box.db"
        self.reclaim: Callable[[Write], int] = lambda _write: 0
        self._lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._closed = False
        self._ballast = Ballast(home / "ballast", limits.ballast_bytes)
        self._writer: sqlite3.Connection | None = None
        if read_only:
            if not self.path.exists():
                raise Unavailable(f"there is no memory of a box in {home}", hint="start the appliance there once")
        else:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock_file = self._alone()
            with translated():
                self._writer = self._open_writer()

    def _alone(self) -> int:
        """Hold the lock file: SQLite is only safe here with one writing process."""
        handle = os.open(self.home / "box.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise Unavailable(f"another process has the memory in {self.home} open",
                              hint="stop the appliance that runs there first") from None
        return handle

    def _open_writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        os.chmod(self.path, 0o600)
        for pragma in (f"page_size={PAGE}", "journal_mode=WAL", "synchronous=FULL", "mmap_size=0", "cache_size=-4096",
                       "secure_delete=ON", "journal_size_limit=8388608", "foreign_keys=OFF", "busy_timeout=5000",
                       f"max_page_count={self.limits.database_bytes // PAGE}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        migrate(connection)
        self._ballast.lay(self.limits.reserve_bytes)
        return connection

    @contextmanager
    def write(self, use: Use) -> Iterator[Write]:
        """Yield one transaction: all of it is on the disk when the block ends, or nothing is.

        Raises Unavailable when the disk or the memory is too full for this class of writes.
        """
        with self._lock:
            connection = self._usable()
            with translated():
                self._admit(connection, use)
                write = Write(connection)
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield write
                    connection.execute("COMMIT")
                except BaseException as error:
                    with suppress(sqlite3.Error):
                        if connection.in_transaction:
                            connection.execute("ROLLBACK")
                    if isinstance(error, sqlite3.Error) and isinstance(in_words(error), Unavailable):
                        self._give_way(connection)
                    raise
            for action in write.after:
                action()
        self.bus.publish(write.events)

    def _admit(self, connection: sqlite3.Connection, use: Use) -> None:
        if self._refusal(connection, use) is None:
            return
        # Rows the cloud has confirmed are kept only for a cloud restored from a backup: they go first.
        write = Write(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            self.reclaim(write)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        refused = self._refusal(connection, use)
        if refused is not None:
            raise refused

    def _refusal(self, connection: sqlite3.Connection, use: Use) -> Unavailable | None:
        return refusal(use, self.limits, self._used_pages(connection), self.home)

    def _used_pages(self, connection: sqlite3.Connection) -> int:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        return int(pages - connection.execute("PRAGMA freelist_count").fetchone()[0])

    def _give_way(self, connection: sqlite3.Connection) -> None:
        """Make room after a write failed for want of it: without, not even a checkpoint succeeds on a full disk."""
        self._ballast.drop()
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state of the database for the length of the block. Keep it short."""
        with self._readers_lock:
            if self._closed:
                raise Unavailable("the box's memory is closed")
            connection = self._readers.pop() if self._readers else None
        with translated():
            connection = connection or self._open_reader()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                with suppress(sqlite3.Error):
                    connection.rollback()
                with self._readers_lock:
                    keep = not self._closed and len(self._readers) < IDLE_READERS
                    if keep:
                        self._readers.append(connection)
                if not keep:
                    connection.close()

    def _open_reader(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None,
                                     check_same_thread=False)
        for pragma in ("query_only=ON", "mmap_size=0", "cache_size=-512", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    def checkpoint(self) -> None:
        """Move the log into the database and empty it, so that what was deleted is nowhere any more."""
        with self._lock, translated():
            self._usable().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def tidy(self) -> None:
        """Lay the ballast again and empty the log when the disk has room."""
        with self._lock:
            self._usable()
            self._ballast.lay(self.limits.reserve_bytes)
        self.checkpoint()

    def used_share(self) -> float:
        """Return how full the database is, 0..1 of its limit."""
        with self.read() as db:
            return self._used_pages(db) * PAGE / self.limits.database_bytes

    def refuses(self, use: Use) -> Unavailable | None:
        """Return why this class of writes would be refused now."""
        with self.read() as db:
            return self._refusal(db, use)

    def _usable(self) -> sqlite3.Connection:
        if self._writer is None:
            raise Unavailable("the box's memory is closed or was opened for reading only")
        return self._writer

    def close(self) -> None:
        """Close all connections; harmless when repeated."""
        with self._readers_lock:
            self._closed = True
            readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
                os.close(self._lock_file)


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of SQLite and of the file system in the contract's words."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        known = in_words(error)
        if known is None:
            raise
        raise known from error


def get_meta(db: Any, key: str, default: str = "") -> str:
    """Return a value of the table meta; `db` is a reading connection or a Write."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else default


def set_meta(write: Write, key: str, value: str) -> None:
    write.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))
