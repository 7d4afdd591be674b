"""The framing between the box and its vision worker: a fixed header, a JSON object, and a blob (a picture).

Both sides import this file. A frame is `!2sBBII` (magic "SB", version 1, kind, JSON length, blob length), the
JSON as UTF-8, then the blob. Anything else is a FrameError, after which the connection is of no use.
"""

import json
import struct
from typing import Any, Callable, Dict, NamedTuple, Tuple

MAGIC = b"SB"
VERSION = 1
MAX_JSON = 1 << 20
MAX_BLOB = 32 << 20

HELLO = 1
STILL = 2
FRAME = 3
WATCH = 4
WORKER_HELLO = 65
OBSERVATION = 66
FACES = 67
PICTURE = 68
PREVIEW = 69
CAMERA = 70
ERROR = 71
TO_WORKER = frozenset((HELLO, STILL, FRAME, WATCH))
FROM_WORKER = frozenset((WORKER_HELLO, OBSERVATION, FACES, PICTURE, PREVIEW, CAMERA, ERROR))

_HEADER = struct.Struct("!2sBBII")
HEADER_SIZE = _HEADER.size


class FrameError(ValueError):
    """The bytes are not a frame; the text says which part and what was expected."""


class Frame(NamedTuple):
    """One message: its kind, its fields and its blob (often empty)."""

    kind: int
    fields: Dict[str, Any]
    blob: bytes


def encode(kind: int, fields: Dict[str, Any], blob: bytes = b"") -> bytes:
    """Return the bytes of one frame. Raises FrameError for an unknown kind or a part over its bound."""
    text = json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()
    _check(kind, len(text), len(blob))
    return _HEADER.pack(MAGIC, VERSION, kind, len(text), len(blob)) + text + blob


def decode_header(header: bytes) -> Tuple[int, int, int]:
    """Return (kind, JSON length, blob length) of HEADER_SIZE bytes. Raises FrameError."""
    if len(header) != HEADER_SIZE:
        raise FrameError(f"a header of {len(header)} bytes, expected {HEADER_SIZE}")
    magic, version, kind, json_length, blob_length = _HEADER.unpack(header)
    if magic != MAGIC:
        raise FrameError(f"magic {magic!r}, expected {MAGIC!r}")
    if version != VERSION:
        raise FrameError(f"version {version}, this side speaks {VERSION}")
    _check(kind, json_length, blob_length)
    return kind, json_length, blob_length


def decode_fields(text: bytes) -> Dict[str, Any]:
    """Return the JSON part as an object. Raises FrameError."""
    try:
        fields = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the JSON part cannot be read: {error}") from error
    if not isinstance(fields, dict):
        raise FrameError(f"the JSON part is of type {type(fields).__name__}, expected an object")
    return fields


def read_frame(read: Callable[[int], bytes]) -> Frame:
    """Return one frame from `read(n)`, which returns exactly n bytes or raises. Raises FrameError."""
    kind, json_length, blob_length = decode_header(read(HEADER_SIZE))
    fields = decode_fields(read(json_length))
    return Frame(kind, fields, read(blob_length) if blob_length else b"")


def _check(kind: int, json_length: int, blob_length: int) -> None:
    if kind not in TO_WORKER and kind not in FROM_WORKER:
        raise FrameError(f"unknown kind {kind}")
    if json_length > MAX_JSON:
        raise FrameError(f"a JSON part of {json_length} bytes, at most {MAX_JSON}")
    if blob_length > MAX_BLOB:
        raise FrameError(f"a blob of {blob_length} bytes, at most {MAX_BLOB}")
