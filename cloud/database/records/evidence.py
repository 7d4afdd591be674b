"""Files from boxes, arriving in chunks, kept under home/files by the hash of their content."""

import base64
import binascii
import hashlib
import os
import tempfile
from pathlib import Path

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from cloud.database.engine import insert_if_absent
from cloud.database.tables.records import ChunkRow, FileRow, UploadRow
from contract.errors import NotFound, Rejected
from contract.messages import CHUNK, EvidenceChunk
from contract.moments import now


def add_chunk(session: Session, files: Path, box: str, chunk: EvidenceChunk) -> bool:
    """Keep a chunk; True when the file is complete with it (and on the disk before this transaction commits).

    Raises Rejected when it does not fit the file's other chunks, or the whole has another hash than it
    should."""
    data = _data_of(chunk)
    if session.get(FileRow, chunk.sha256) is not None:
        return True
    insert_if_absent(
        session,
        UploadRow(
            box=box, sha256=chunk.sha256, media_type=chunk.media_type, size=chunk.size, count=chunk.count
        ),
    )
    # Locked, so that of two ingests that take the last two chunks at once one sees them all.
    upload = session.exec(
        select(UploadRow).where(UploadRow.box == box, UploadRow.sha256 == chunk.sha256).with_for_update()
    ).one()
    if (upload.media_type, upload.size, upload.count) != (chunk.media_type, chunk.size, chunk.count):
        raise Rejected(
            f"chunk {chunk.index} of file {chunk.sha256} is not of the file that the first chunk began"
        )
    insert_if_absent(session, ChunkRow(box=box, sha256=chunk.sha256, number=chunk.index, data=data))
    ours = (col(ChunkRow.box) == box, col(ChunkRow.sha256) == chunk.sha256)
    if session.exec(select(func.count()).select_from(ChunkRow).where(*ours)).one() < chunk.count:
        return False
    parts = session.exec(select(ChunkRow.data).where(*ours).order_by(col(ChunkRow.number))).all()
    session.execute(delete(ChunkRow).where(*ours))
    session.delete(upload)
    session.flush()
    whole = b"".join(parts)
    if hashlib.sha256(whole).hexdigest() != chunk.sha256:
        raise DamagedFile(f"the {chunk.count} chunks of file {chunk.sha256} make another file")
    _write(files, chunk.sha256, whole)
    insert_if_absent(
        session, FileRow(sha256=chunk.sha256, media_type=chunk.media_type, size=chunk.size, at=now())
    )
    return True


class DamagedFile(Rejected):
    """All chunks are there and the whole is wrong; they were dropped, which has to be committed."""


def read(session: Session, files: Path, sha256: str) -> tuple[bytes, str]:
    """Return content and media type. Raises NotFound, also when the file is damaged on the disk."""
    row = session.get(FileRow, sha256)
    if row is None:
        raise NotFound(f"there is no file {sha256} (yet)")
    try:
        data = _path(files, sha256).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"file {sha256} is missing on the disk") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise NotFound(f"file {sha256} is damaged on the disk")
    return data, row.media_type


def _data_of(chunk: EvidenceChunk) -> bytes:
    try:
        data = base64.b64decode(chunk.data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected(f"chunk {chunk.index} of file {chunk.sha256} is not base64") from error
    if chunk.count != -(-chunk.size // CHUNK) or chunk.index >= chunk.count:
        raise Rejected(
            f"chunk {chunk.index} of {chunk.count}: a file of {chunk.size} bytes has "
            f"{-(-chunk.size // CHUNK)} chunks of {CHUNK}"
        )
    wanted = CHUNK if chunk.index < chunk.count - 1 else chunk.size - CHUNK * (chunk.count - 1)
    if len(data) != wanted:
        raise Rejected(f"chunk {chunk.index} of file {chunk.sha256} has {len(data)} bytes, not {wanted}")
    return data


def _write(files: Path, sha256: str, data: bytes) -> None:
    path = _path(files, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    for directory in (path.parent, path.parent.parent):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _path(files: Path, sha256: str) -> Path:
    return files / sha256[:2] / sha256
