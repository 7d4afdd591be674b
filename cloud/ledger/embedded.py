"""The embedded ledger: an append-only signed log per channel, in one SQLite file of its own.

It keeps Certificate Transparency's promises (inclusion, consistency, signed heads). What it cannot promise alone is
that its operator shows everybody the same log: heads have to be compared by others, which is what Fabric adds.
"""

import os
import sqlite3
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ledger import tree
from contract.chain import public_key_text
from contract.errors import Conflict, NotFound, Rejected, SentryboxError, Unavailable
from contract.ledger import Anchor, InclusionProof, LedgerChannel, LedgerRecord, TreeHead
from contract.moments import now
from contract.policy import Policy
from contract.ports import LedgerIdentity, LedgerPage, Prepared
from contract.proof.document import check_inclusion, check_tree_head
from contract.proof.merkle import root as merkle_root

FILE = "ledger.db"
BUSY_S = 30
NEAR = 256
"""Hashes of the tree that are kept in memory between commits."""
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

    def __init__(self, home: Path, clock: Callable[[], str] = now, *, read_only: bool = False,
                 channels: tuple[LedgerChannel, ...] = Policy().channels) -> None:
        """Opens the logs of these channels, making what is missing. Raises Rejected when a log does not fit its last
        signed head (it was changed, or its key is another), Unavailable when the file cannot be opened. With
        `read_only` they are shown as they are: nothing is made and nothing checked."""
        self._clock = clock
        self._mutex = threading.Lock()
        # Of each log the newest perfect subtrees that were read or committed here, for the next root. A subtree's hash
        # never changes, whoever appends meanwhile.
        self._near: defaultdict[LedgerChannel, dict[tree.Node, bytes]] = defaultdict(dict)
        self._path = home / FILE
        if read_only:
            with _speaking(self._path):
                self._connection = sqlite3.connect(
                    f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None,
                    check_same_thread=False
                )
            return
        home.mkdir(parents=True, exist_ok=True)
        with _speaking(self._path):
            self._connection = sqlite3.connect(
                self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(SCHEMA)
        try:
            self._keys = {name: self._key(home / f"ledger-{name}.key", name) for name in channels}
            self._public = {name: public_key_text(key) for name, key in self._keys.items()}
            for channel in channels:
                self._check(channel)
        except BaseException:
            self._connection.close()
            raise

    def check(self, channel: LedgerChannel) -> None:
        """See contract.ports.Ledger."""
        self.head(channel)

    def identities(self) -> tuple[LedgerIdentity, ...]:
        """Return (): its keys have no certificates."""
        return ()

    def prepare(self, channel: LedgerChannel, records: Sequence[LedgerRecord]) -> Prepared:
        """See contract.ports.Ledger. The transaction's id is the Merkle root over the records; there is nothing to send
        but the records themselves."""
        # Each look-up by itself: `commit` looks again, and only then it counts.
        with self._mutex, _speaking(self._path):
            for record in records:
                self._known(channel, record)
        top = merkle_root([_leaf_hash(record) for record in records]).hex()
        return Prepared(channel, tuple(records), top, b"")

    def commit(self, prepared: Prepared) -> Anchor:
        """See contract.ports.Ledger: one SQLite transaction, fsynced when it returns. Records that are there already
        keep their places."""
        channel = prepared.channel
        with self._transaction("IMMEDIATE"):
            places = [self._known(channel, record) for record in prepared.records]
            missing = [record for record, place in zip(prepared.records, places, strict=True) if place is None]
            size, at = self._size(channel), self._clock()
            near = self._near[channel].copy()
            read = self._read(channel, near)
            for number, record in enumerate(missing, size):
                self._append(channel, number, record, at, read, near)
            size += len(missing)
            if missing:
                self._store(self._signed(channel, size, at, read))
        self._near[channel] = near if len(near) < NEAR else {n: near[n] for n in tree.peaks(size) if n in near}
        known = [place for place in places if place is not None]
        first = min(known, default=(size - len(missing), at))
        return Anchor(channel=channel, transaction=prepared.transaction, block=first[0], at=first[1])

    def get(self, channel: LedgerChannel, record_id: str) -> LedgerRecord:
        """See contract.ports.Ledger."""
        with self._transaction():
            return self._leaf(channel, record_id)[1]

    def prove(self, anchor: Anchor, records: Sequence[LedgerRecord]) -> tuple[InclusionProof, ...]:
        """See contract.ports.Ledger."""
        channel, proofs = anchor.channel, []
        with self._transaction():
            head = self._stored(channel)
            for record in records:
                number, stored = self._leaf(channel, record.id)
                if stored != record:
                    raise NotFound(f"record {record.id} is on the {channel} log with other content, as leaf {number}")
                path = tree.inclusion_path(number, head.size, self._read(channel))
                proofs.append(InclusionProof(
                    record=record, index=number, path=tuple(step.hex() for step in path), head=head
                ))
        for proof in proofs:
            check_inclusion(proof)
        return tuple(proofs)

    def head(self, channel: LedgerChannel) -> TreeHead:
        """See contract.ports.Ledger."""
        with self._transaction():
            return self._stored(channel)

    def page(self, channel: LedgerChannel, after: int, limit: int) -> LedgerPage:
        """See contract.ports.Ledger."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT number, content FROM leaves WHERE channel = ? AND number > ? ORDER BY number LIMIT ?",
                (channel, after, limit + 1),
            ).fetchall()
        found = [(number, LedgerRecord.model_validate_json(content)) for number, content in rows[:limit]]
        return LedgerPage(found, found[-1][0] if len(rows) > limit else None)

    def consistency(self, channel: LedgerChannel, old_size: int) -> list[str]:
        """Return the path (hex) that shows that the tree of the first `old_size` leaves is a prefix of the newest
        head's, for contract.proof.merkle.check_consistency. Raises Rejected when there was no such tree.
        """
        with self._transaction():
            size = self._stored(channel).size
            if not 0 < old_size <= size:
                raise Rejected(f"the {channel} log has {size} leaves, so it has no prefix of {old_size}")
            return [step.hex() for step in tree.consistency_path(old_size, size, self._read(channel))]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _known(self, channel: LedgerChannel, record: LedgerRecord) -> tuple[int, str] | None:
        """Return the number and time of the record's leaf. Raises Conflict when its id has other content."""
        row = self._one("SELECT number, at, content FROM leaves WHERE channel = ? AND id = ?", channel, record.id)
        if row is None:
            return None
        number, at, content = row
        if content != record.model_dump_json():
            raise Conflict(f"record {record.id} is on the {channel} log with other content, as leaf {number}")
        return number, at

    def _append(self, channel: LedgerChannel, number: int, record: LedgerRecord, at: str, read: tree.Read,
                near: dict[tree.Node, bytes]) -> None:
        content = record.model_dump_json()
        self._connection.execute("INSERT INTO leaves VALUES (?, ?, ?, ?, ?)", (channel, number, record.id, content, at))
        nodes = tree.new_nodes(number, _leaf_hash(record), read)
        near.update(nodes)
        self._connection.executemany("INSERT INTO nodes VALUES (?, ?, ?, ?)",
                                     [(channel, level, index, value) for (level, index), value in nodes])

    def _check(self, channel: LedgerChannel) -> None:
        with self._transaction("IMMEDIATE"):
            if self._one("SELECT head FROM heads WHERE channel = ?", channel) is None:
                if self._size(channel):
                    raise Rejected(
                        f"the {channel} log in {self._path} has leaves but no signed head",
                        hint="restore it from a backup",
                    )
                self._store(self._signed(channel, 0, self._clock(), self._read(channel)))
            head = self._stored(channel)
            self._check_head(head)

    def _check_head(self, head: TreeHead) -> None:
        where = f"the {head.channel} log in {self._path}"
        if head.log_key != self._public[head.channel]:
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
        except Unavailable as error:
            raise Rejected(error.detail, hint=error.hint) from error
        if top != head.root:
            raise Rejected(f"{where} does not have the root that was signed", hint="restore a backup")

    def _signed(self, channel: LedgerChannel, size: int, at: str, read: tree.Read) -> TreeHead:
        unsigned = TreeHead(
            channel=channel,
            size=size,
            root=tree.root(size, read).hex(),
            at=at,
            log_key=self._public[channel],
            signature="0" * 128,
        )
        return unsigned.model_copy(update={"signature": self._keys[channel].sign(unsigned.signed_bytes()).hex()})

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

    def _read(self, channel: LedgerChannel, near: dict[tree.Node, bytes] | None = None) -> tree.Read:
        """Reads nodes, those in `near` from there. It raises Unavailable for one that is not there."""
        def read(level: int, number: int) -> bytes:
            if near is not None and (level, number) in near:
                return near[level, number]
            row = self._one(
                "SELECT hash FROM nodes WHERE channel = ? AND level = ? AND number = ?",
                channel,
                level,
                number,
            )
            if row is None:
                raise Unavailable(f"the {channel} log in {self._path} misses some of its hashes",
                                  hint="restore it from a backup")
            value: bytes = row[0]
            if near is not None:
                near[level, number] = value
            return value

        return read

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        return row

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


@lru_cache(maxsize=1024)
def _leaf_hash(record: LedgerRecord) -> bytes:
    # Needed to prepare and again to commit.
    return record.leaf()


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
