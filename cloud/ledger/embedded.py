"""The embedded ledger: an append-only signed log per channel, in one SQLite file of its own.

It keeps Certificate Transparency's promises (inclusion, consistency, signed heads). What it cannot promise alone is
that its operator shows everybody the same log: heads have to be compared by others, which is what Fabric adds.
"""

import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ledger import tree
from contract.chain import public_key_text
from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable
from contract.ledger import Anchor, InclusionProof, LedgerChannel, LedgerRecord, TreeHead
from contract.moments import now
from contract.proof import check_inclusion, check_tree_head

CHANNELS: tuple[LedgerChannel, ...] = get_args(LedgerChannel)
BUSY_S = 30
SCHEMA = """
CREATE TABLE IF NOT EXISTS leaves (
  channel TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (channel, number), UNIQUE (channel, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (
  channel TEXT NOT NULL, level INTEGER NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY (channel, level, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads (channel TEXT PRIMARY KEY, head TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS leaves_stay BEFORE UPDATE ON leaves BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS leaves_are_kept BEFORE DELETE ON leaves BEGIN SELECT raise(ABORT, 'append-only'); END;
"""


class EmbeddedLedger:
    """contract.ports.Ledger in `home`/ledger.db, with one Ed25519 key per channel beside it (mode 0600).

    Several threads and processes of one machine may use it at a time.
    """

    def __init__(self, home: Path, clock: Callable[[], str] = now) -> None:
        """Opens the logs, making what is missing. Raises Rejected when a log does not fit its last signed head (it
        was changed, or its key is another), Unavailable when the file cannot be opened."""
        home.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._mutex = threading.Lock()
        self._path = home / "ledger.db"
        with _speaking(self._path):
            self._connection = sqlite3.connect(
                self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(SCHEMA)
        try:
            self._keys = {name: self._key(home / f"ledger-{name}.key", name) for name in CHANNELS}
            for channel in CHANNELS:
                self._check(channel)
        except BaseException:
            self._connection.close()
            raise

    def append(self, channel: LedgerChannel, record: LedgerRecord) -> Anchor:
        """As contract.ports.Ledger; fsynced when it returns."""
        content = record.model_dump_json()
        with self._transaction("IMMEDIATE"):
            known = self._one(
                "SELECT number, content, at FROM leaves WHERE channel = ? AND id = ?", channel, record.id
            )
            if known is None:
                number, at = self._size(channel), self._clock()
                self._connection.execute(
                    "INSERT INTO leaves VALUES (?, ?, ?, ?, ?)", (channel, number, record.id, content, at)
                )
                for (level, index), value in tree.new_nodes(number, record.leaf(), self._read(channel)):
                    self._connection.execute(
                        "INSERT INTO nodes VALUES (?, ?, ?, ?)", (channel, level, index, value)
                    )
                self._store(self._signed(channel, number + 1, at))
            elif known[1] == content:
                number, _, at = known
            else:
                raise Conflict(
                    f"record {record.id} is on the {channel} log with other content, as leaf {known[0]}"
                )
        return Anchor(channel=channel, transaction=record.leaf().hex(), block=number, at=at)

    def get(self, channel: LedgerChannel, record_id: str) -> LedgerRecord:
        """As contract.ports.Ledger."""
        with self._transaction():
            return self._leaf(channel, record_id)[1]

    def prove(self, channel: LedgerChannel, record_id: str) -> InclusionProof:
        """As contract.ports.Ledger."""
        with self._transaction():
            number, record = self._leaf(channel, record_id)
            head = self._stored(channel)
            path = tree.inclusion_path(number, head.size, self._read(channel))
        proof = InclusionProof(
            record=record, index=number, path=tuple(step.hex() for step in path), head=head
        )
        check_inclusion(proof)
        return proof

    def head(self, channel: LedgerChannel) -> TreeHead:
        """As contract.ports.Ledger."""
        with self._transaction():
            return self._stored(channel)

    def page(self, channel: LedgerChannel, after: int, limit: int) -> list[tuple[int, LedgerRecord]]:
        """As contract.ports.Ledger."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT number, content FROM leaves WHERE channel = ? AND number > ? ORDER BY number LIMIT ?",
                (channel, after, limit),
            ).fetchall()
        return [(number, LedgerRecord.model_validate_json(content)) for number, content in rows]

    def consistency(self, channel: LedgerChannel, old_size: int) -> list[str]:
        """The path (hex) that shows that the tree of the first `old_size` leaves is a prefix of the newest head's, for
        contract.merkle.check_consistency. Raises Rejected when there was no such tree."""
        with self._transaction():
            size = self._stored(channel).size
            if not 0 < old_size <= size:
                raise Rejected(f"the {channel} log has {size} leaves, so it has no prefix of {old_size}")
            return [step.hex() for step in tree.consistency_path(old_size, size, self._read(channel))]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _check(self, channel: LedgerChannel) -> None:
        with self._transaction("IMMEDIATE"):
            if self._one("SELECT head FROM heads WHERE channel = ?", channel) is None:
                if self._size(channel):
                    raise Rejected(
                        f"the {channel} log in {self._path} has leaves but no signed head",
                        hint="restore it from a backup",
                    )
                self._store(self._signed(channel, 0, self._clock()))
            head = self._stored(channel)
            self._check_head(head)

    def _check_head(self, head: TreeHead) -> None:
        where = f"the {head.channel} log in {self._path}"
        if head.log_key != public_key_text(self._keys[head.channel]):
            raise Rejected(
                f"{where} was signed by another key than ledger-{head.channel}.key",
                hint="put back the key that belongs to this file",
            )
        check_tree_head(head)
        size = self._size(head.channel)
        if size != head.size:
            raise Rejected(
                f"{where} has {size} leaves, its signed head says {head.size}", hint="restore a backup"
            )
        # Leaf by leaf, so that a changed record shows even where the stored hashes were left as they were.
        rows = self._connection.execute(
            "SELECT l.number, l.content, n.hash FROM leaves l LEFT JOIN nodes n"
            " ON n.channel = l.channel AND n.level = 0 AND n.number = l.number WHERE l.channel = ? ORDER BY l.number",
            (head.channel,),
        )
        for expected, (number, content, stored) in enumerate(rows):
            if number != expected or LedgerRecord.model_validate_json(content).leaf() != stored:
                raise Rejected(f"{where} was changed at leaf {expected}", hint="restore a backup")
        try:
            top = tree.root(size, self._read(head.channel)).hex()
        except TypeError as error:
            raise Rejected(f"{where} misses some of its hashes", hint="restore a backup") from error
        if top != head.root:
            raise Rejected(f"{where} does not have the root that was signed", hint="restore a backup")

    def _signed(self, channel: LedgerChannel, size: int, at: str) -> TreeHead:
        key = self._keys[channel]
        unsigned = TreeHead(
            channel=channel,
            size=size,
            root=tree.root(size, self._read(channel)).hex(),
            at=at,
            log_key=public_key_text(key),
            signature="0" * 128,
        )
        return unsigned.model_copy(update={"signature": key.sign(unsigned.signed_bytes()).hex()})

    def _store(self, head: TreeHead) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO heads VALUES (?, ?)", (head.channel, head.model_dump_json())
        )

    def _stored(self, channel: LedgerChannel) -> TreeHead:
        row = self._one("SELECT head FROM heads WHERE channel = ?", channel)
        if row is None:
            raise NotFound(f"there is no log {channel}")
        return TreeHead.model_validate_json(row[0])

    def _leaf(self, channel: LedgerChannel, record_id: str) -> tuple[int, LedgerRecord]:
        row = self._one("SELECT number, content FROM leaves WHERE channel = ? AND id = ?", channel, record_id)
        if row is None:
            raise NotFound(f"there is no record {record_id} on the {channel} log")
        return row[0], LedgerRecord.model_validate_json(row[1])

    def _size(self, channel: LedgerChannel) -> int:
        row = self._one("SELECT max(number) FROM leaves WHERE channel = ?", channel)
        return 0 if row is None or row[0] is None else row[0] + 1

    def _read(self, channel: LedgerChannel) -> tree.Read:
        def read(level: int, number: int) -> bytes:
            row = self._one(
                "SELECT hash FROM nodes WHERE channel = ? AND level = ? AND number = ?",
                channel,
                level,
                number,
            )
            return row[0] if row is not None else None  # type: ignore[return-value]

        return read

    def _one(self, query: str, *values: object) -> tuple | None:
        return self._connection.execute(query, values).fetchone()

    @contextmanager
    def _transaction(self, kind: str = "") -> Iterator[None]:
        with self._mutex, _speaking(self._path):
            self._connection.execute(f"BEGIN {kind}")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _key(self, path: Path, channel: LedgerChannel) -> Ed25519PrivateKey:
        if not path.exists() and self._one("SELECT 1 FROM heads WHERE channel = ?", channel) is not None:
            raise Rejected(f"{path} is missing, and the {channel} log was signed with it", hint="restore it")
        if not path.exists():
            _make_key(path)
        try:
            return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
        except ValueError as error:
            raise Rejected(f"{path} is not a key of 32 bytes", hint="restore it") from error


def _make_key(path: Path) -> None:
    # Written whole before it has its name, for another process may be starting too; the first one wins.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(temporary, path)
    os.unlink(temporary)


@contextmanager
def _speaking(path: Path) -> Iterator[None]:
    """SQLite's errors in our words."""
    try:
        yield
    except SentryboxError:
        raise
    except sqlite3.OperationalError as error:
        raise Unavailable(f"the ledger {path} cannot be used just now: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Rejected(f"the ledger {path} is damaged: {error}", hint="restore it from a backup") from error
