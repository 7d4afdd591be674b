"""Pictures and clips, named by their content, on the disk before any row names them."""

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from appliance.store.build import build
from appliance.store.clock import Clock, instant
from appliance.store.connection import Connection, Write, translated
from appliance.store.limits import CLIPS, CONNECT, UPKEEP
from contract.errors import NotFound, Rejected, Unavailable
from contract.ids import derived_id
from contract.incident import Evidence
from contract.messages import CHUNK
from contract.moments import from_epoch

MAX_FILE = 64 * 1024 * 1024
ORPHAN_S = 86400.0


class Files:
    """Files under home/files/ab/abcdef..., `ab` being the first two digits of the SHA-256."""

    def __init__(self, connection: Connection, home: Path, clock: Clock) -> None:
        self._connection, self._root, self._clock = connection, home / "files", clock
        self._lock = threading.Lock()

    def put(self, data: bytes, media_type: str) -> Evidence:
        """Keep the bytes; the same bytes again are kept once. Raises Unavailable when the disk is full."""
        evidence = build(Evidence, sha256=hashlib.sha256(data).hexdigest(), media_type=media_type, size=len(data))
        if len(data) > MAX_FILE:
            raise Rejected(f"a file of {len(data)} bytes is over the limit of {MAX_FILE}")
        refused = self._connection.refuses(CLIPS) or self._no_room(len(data))
        if refused is not None:
            raise refused
        with self._lock:
            with translated():
                self._write(self._path(evidence.sha256), data)
            with self._connection.write(CLIPS) as write:
                row = write.execute(
                    "INSERT INTO files (sha256, media_type, size, made_at) VALUES (?,?,?,?) ON CONFLICT (sha256) "
                    "DO UPDATE SET made_at = excluded.made_at RETURNING media_type",
                    (evidence.sha256, evidence.media_type, evidence.size, instant(self._clock))).fetchone()
        return evidence.model_copy(update={"media_type": row[0]})

    def _no_room(self, more: int) -> Unavailable | None:
        limit = self._connection.limits.files_bytes
        if self.used() + more <= limit:
            return None
        return Unavailable(f"pictures and clips fill their {limit} bytes", hint=CONNECT)

    def _write(self, path: Path, data: bytes) -> None:
        self._make_folder(path.parent)
        if path.exists():
            _sync_folder(path.parent)
            return
        partial = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}.part")
        try:
            with open(partial, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def _make_folder(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync_folder(folder.parent)
            _sync_folder(self._root.parent)

    def get(self, sha256: str) -> tuple[bytes, str]:
        """Return the bytes and their media type. Raises NotFound."""
        with self._connection.read() as db:
            row = db.execute("SELECT media_type FROM files WHERE sha256 = ?", (sha256,)).fetchone()
        try:
            if row is not None:
                return self._path(sha256).read_bytes(), str(row[0])
        except FileNotFoundError:
            pass
        raise NotFound(f"there is no file {sha256} on this box")

    def name(self, write: Write, evidence: Evidence) -> None:
        """Bind the file to a record, so that it is kept. Raises Rejected unless it is here, as described."""
        named = write.execute("UPDATE files SET named = 1 WHERE (sha256, media_type, size) = (?,?,?)",
                              (evidence.sha256, evidence.media_type, evidence.size))
        if not named.rowcount:
            raise Rejected(f"there is no {evidence.media_type} file {evidence.sha256} of {evidence.size} bytes",
                           hint="put the file first")

    def used(self) -> int:
        """Return the bytes of all files."""
        with self._connection.read() as db:
            return int(db.execute("SELECT coalesce(sum(size), 0) FROM files").fetchone()[0])

    def chunks(self, evidence: Evidence) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield id and stored body of the messages that bring this file to the cloud, without the bytes."""
        count = -(-evidence.size // CHUNK)
        for index in range(count):
            yield derived_id("evidence", evidence.sha256, str(index)), {
                "type": "evidence", "sha256": evidence.sha256, "media_type": evidence.media_type,
                "size": evidence.size, "index": index, "count": count}

    def expand(self, stored: dict[str, object]) -> dict[str, object]:
        """Return the body with its bytes. Raises NotFound when the file is gone."""
        try:
            with open(self._path(str(stored["sha256"])), "rb") as file:
                file.seek(int(str(stored["index"])) * CHUNK)
                return {**stored, "data": base64.b64encode(file.read(CHUNK)).decode("ascii")}
        except FileNotFoundError as error:
            raise NotFound(f"the file {stored['sha256']} is gone") from error

    def tidy(self) -> None:
        """Remove files no incident named within a day, and traces of interrupted writes."""
        before = from_epoch(self._clock() - ORPHAN_S)
        with self._lock:
            with self._connection.write(UPKEEP) as write:
                rows = write.execute("DELETE FROM files WHERE named = 0 AND made_at < ? RETURNING sha256",
                                     (before,)).fetchall()
            for (sha256,) in rows:
                self._path(sha256).unlink(missing_ok=True)
        for partial in self._root.glob("*/*.part"):
            if partial.stat().st_mtime < self._clock() - ORPHAN_S:
                partial.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
