"""Secrets that are handed out: sessions, tokens, one-time links; when each is good."""

import hashlib
import secrets

from access.storage import Account, Credential, Kind
from contract.identity import Role

SESSION_S = 12 * 3600.0
LINK_S = 24 * 3600.0
SKEW_S = 60.0
"""How far the clocks of two processes on one database may differ."""
MARK = "sbx_"
"""What a token begins with, so that one that was published by mistake is found."""
LONGEST_AGENT = 120


def fingerprint(secret: str) -> str:
    """Return what is kept of a secret. Secrets of 192 bits and more need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_session(account: Account, now: float, agent: str = "") -> tuple[str, Credential]:
    """Return a session secret and what is kept of it."""
    return _new("session", account.key, account.name, account.role, now, now + SESSION_S, agent)


def new_reset(account: Account, now: float) -> tuple[str, Credential]:
    """Return the secret of a one-time link with which the account gets a new password, and what is kept of it."""
    return _new("link", account.key, account.name, account.role, now, now + LINK_S)


def new_first(now: float) -> tuple[str, Credential]:
    """Return the secret of the one-time link for the first account, and what is kept of it."""
    return _new("link", "", "", "admin", now, None)


def new_token(name: str, role: Role, now: float) -> tuple[str, Credential]:
    """Return a program's token and what is kept of it."""
    return _new("token", "", name, role, now, None, prefix=MARK)


def is_good(credential: Credential, kind: Kind, now: float) -> bool:
    """Return whether it is of this kind and has not ended at `now`. One that would last longer than any can was made
    before the clock was set back: it has ended.
    """
    if credential.kind != kind:
        return False
    if credential.expires_at is None:
        return True
    return now < credential.expires_at and credential.created_at <= now + SKEW_S


def _new(kind: Kind, account: str, name: str, role: Role, now: float, expires_at: float | None, agent: str = "",
         prefix: str = "") -> tuple[str, Credential]:
    secret = prefix + secrets.token_urlsafe(32)
    return secret, Credential(fingerprint(secret), secrets.token_hex(8), kind, account, name, role,
                              agent[:LONGEST_AGENT], now, expires_at)
