"""Passwords: the rules they must keep, and their Argon2id hashes."""

import functools
import secrets
import unicodedata
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from access.names import canonical
from contract.errors import Rejected

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256
FEWEST_CHARACTERS = 4
LONGEST_PATTERN = 5
NO_PASSWORD = ""
"""Kept where no password fits: after a reset, until its link is used."""
# OWASP's Argon2id parameters for 19 MiB; a log-in costs some 50 ms of one core of a Nano.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def weakness(password: str, name: str) -> str:
    """Return what is wrong with this password for the account of this name, "" when nothing is."""
    password = _normal(password)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"a password has at least {SHORTEST_PASSWORD} and at most {LONGEST_PASSWORD} characters, " \
               f"not {len(password)}"
    folded = canonical(password)
    if len(set(folded)) < FEWEST_CHARACTERS or _repeats(folded):
        return "this password is too easy to guess: it repeats a few characters"
    if _core(folded) == _core(canonical(name)) or folded == canonical(name):
        return "this password is too easy to guess: it is the account's name"
    if folded in _common() or _core(folded) in _common():
        return "this password is too easy to guess: it is one that many people use"
    return ""


def hashed(password: str, name: str) -> str:
    """Return the hash to keep. Raises Rejected for a password that will not do."""
    wrong = weakness(password, name)
    if wrong:
        raise Rejected(wrong, hint="a sentence of your own works well")
    return HASHER.hash(_normal(password))


def fits(kept: str, password: str) -> bool:
    """Return whether this is the password of the hash `kept`. Takes as long for NO_PASSWORD, which nothing fits.

    Earlier clouds kept hashes of what was typed, of any length and in any Unicode form: that is tried where the normal
    form is another, whatever account was asked for.
    """
    normal = _normal(password)[:LONGEST_PASSWORD]
    spellings = (normal,) if normal == password else (normal, password)
    return any([_verified(kept or nobody(), spelling) for spelling in spellings]) and kept != NO_PASSWORD


@functools.cache
def nobody() -> str:
    """Return a hash that no password fits, verified where there is no account, so that time does not tell names apart.
    """
    return HASHER.hash(secrets.token_urlsafe(32))


def _verified(kept: str, password: str) -> bool:
    try:
        return HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _core(text: str) -> str:
    """Return what is left without the digits and signs people put at the ends."""
    kept = text
    while kept and not kept[0].isalpha():
        kept = kept[1:]
    while kept and not kept[-1].isalpha():
        kept = kept[:-1]
    return kept or text


def _repeats(text: str) -> bool:
    """Return whether it is one short pattern over and over."""
    return any((text[:size] * len(text))[:len(text)] == text for size in range(1, LONGEST_PATTERN + 1))


@functools.cache
def _common() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common.txt").read_text(encoding="utf-8").split())
