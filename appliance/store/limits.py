"""The limits of what the box may keep, and the order of refusals when it gets tight: clips first, incidents last."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

from contract.errors import SentryboxError, Unavailable

MIB = 1 << 20
PAGE = 4096
CONNECT = "connect the box to its cloud or free space on its disk; it goes on by itself"


class Limits(NamedTuple):
    """Bytes. `reserve_bytes`: free disk space below which clips are refused; `ballast_bytes`: a file given up when the
    disk is really full, so that upkeep (receipts, erasures, checkpoints) still works then."""

    database_bytes: int = 4096 * MIB
    files_bytes: int = 8192 * MIB
    reserve_bytes: int = 256 * MIB
    ballast_bytes: int = 4 * MIB
    keep_received_days: float = 30.0


class Use(NamedTuple):
    """A class of writes: up to which share of the database, and with which share of the reserve free, it may go on."""

    what: str
    database: float
    disk: float


CLIPS = Use("pictures and clips", 0.80, 1.0)
EDITS = Use("changes to people, zones and accounts", 0.90, 0.5)
RECORDS = Use("incidents", 0.95, 0.25)
UPKEEP = Use("upkeep", 1.0, 0.0)


def refusal(use: Use, limits: Limits, used_pages: int, home: Path) -> Unavailable | None:
    """Return why this class of writes is refused now; None when it is not."""
    pages = limits.database_bytes // PAGE
    if use.database < 1.0 and used_pages > pages * use.database:
        return Unavailable(f"the box's memory is {used_pages / pages:.0%} full: {use.what} are refused above "
                           f"{use.database:.0%}", hint=CONNECT)
    needed = limits.reserve_bytes * use.disk
    if needed and (free := shutil.disk_usage(home).free) < needed:
        return Unavailable(f"the disk is full: {free // MIB} MiB are free, {use.what} need {needed / MIB:.0f} MiB",
                           hint=CONNECT)
    return None


def in_words(error: sqlite3.Error | OSError) -> SentryboxError | None:
    """Return the contract's error for one of SQLite or the file system; None when it is a mistake in this program."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable("the disk is full: nothing was stored", hint=CONNECT)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) or isinstance(error, OSError):
        return Unavailable(f"the box's disk failed: {error}", hint="look at the disk: cable, card, dmesg")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Unavailable(f"the box's memory is damaged: {error}", hint="restore the newest backup")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable("another process holds the box's memory", hint="only one appliance may run in one home")
    if code == sqlite3.SQLITE_READONLY:
        return Unavailable("the box's memory is read-only", hint="it was opened so, or its disk was remounted so")
    return None


class Ballast:
    """A file that only takes space, given up when the disk is full."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def lay(self, reserve: int) -> None:
        """Make the file (again) when there is room for it beside the reserve."""
        if not self._size or self._path.exists() or shutil.disk_usage(self._path.parent).free < reserve + self._size:
            return
        try:
            with open(self._path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError:
            self.drop()

    def drop(self) -> None:
        self._path.unlink(missing_ok=True)
