"""Identifiers: UUIDv7 (RFC 9562) for records, plain lower-case names for boxes, cameras and zones."""

import os
import time
import uuid
from typing import Annotated

from pydantic import StringConstraints

Id = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
# A name is part of MQTT topics, file names and URLs, so it has none of their special characters.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def new_id(milliseconds: int | None = None) -> str:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, then random bits, so ids sort by the time they were made."""
    ms = int(time.time() * 1000) if milliseconds is None else milliseconds
    value = int.from_bytes(ms.to_bytes(6, "big") + os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def derived_id(*parts: str) -> str:
    """Return the id that the same parts always give (UUIDv5): what two machines name alike without asking each other.
    """
    return str(uuid.uuid5(uuid.UUID("6c1f3f0a-5d0e-5b1c-9f57-53656e747279"), "\x1f".join(parts)))
