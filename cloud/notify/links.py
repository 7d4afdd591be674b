"""Expiring links by which somebody without an account answers an alert.

A token is `<delivery id, 32 hex digits>.<expiry, hex seconds since 1970>.<HMAC-SHA256, 22 characters>`.
The id stands in it legibly, so that an alert can be found again at a provider by its text.
"""

import base64
import hmac
import os
import uuid
from pathlib import Path

from contract.errors import NotFound, Rejected

KEY_BYTES = 32
MAC_BYTES = 16
VALID_SECONDS = 72 * 3600


class LinkExpired(NotFound):
    """A genuine link whose time is over."""


def sign(delivery_id: str, expires: int, key: bytes) -> str:
    """Return the token for one delivery, good until `expires` (seconds since 1970)."""
    stem = f"{uuid.UUID(delivery_id).hex}.{expires:x}"
    return f"{stem}.{_mac(stem, key)}"


def check(token: str, now: float, key: bytes) -> str:
    """Return the delivery id of a genuine token. Raises NotFound for a forged one, LinkExpired for an old one."""
    stem, _, mac = token.rpartition(".")
    # Compared as text, so that no other spelling of the same bytes passes.
    if not token.isascii() or not hmac.compare_digest(mac, _mac(stem, key)):
        raise NotFound("this link is not one of ours", hint="open it exactly as it stands in the message")
    delivery, _, expires = stem.partition(".")
    if now >= int(expires, 16):
        raise LinkExpired("this link has expired", hint="ask campus security what became of the incident")
    return str(uuid.UUID(delivery))


def key_from_file(path: Path) -> bytes:
    """Return the signing key; made (mode 0600) where there is none. Raises Rejected for a file that is no key."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            hint = "remove it: the next start makes a new one, and links sent before stop working"
            raise Rejected(f"{path} has {len(key)} bytes, a key has {KEY_BYTES}", hint=hint) from None
        return key
    key = os.urandom(KEY_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _mac(stem: str, key: bytes) -> str:
    mac = hmac.digest(key, b"sentrybox/ack-link/v1\0" + stem.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(mac[:MAC_BYTES]).rstrip(b"=").decode("ascii")
