"""Accounts, their sessions, and programs' tokens, from making to end. Whatever ends, ends with the next request."""

import math
import time
from collections.abc import Callable
from typing import get_args

from access.credentials import fingerprint, is_good, new_first, new_reset, new_session, new_token
from access.lockout import MOST_NAMES, after_failure, wait
from access.names import canonical, checked_name
from access.passwords import NO_PASSWORD, fits, hashed
from access.storage import Account, Credential, Reading, Storage, Writing
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.identity import Identity, Role

WRONG = "wrong name or password"
STRANGERS_S = 3600.0
"""The trail gets at most one line in this time about guesses at names that nobody has."""
SYSTEM = "system"


class Accounts:
    """The accounts kept in one storage. Safe to use from several threads and processes; each call is a transaction.

    `clock`: Unix seconds. `lock_clock`: the seconds that locks are timed by; a box's cannot be set.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time,
                 lock_clock: Callable[[], float] | None = None) -> None:
        self._storage, self._clock, self._lock_clock = storage, clock, lock_clock or clock
        self._strangers_noted = -math.inf

    def any(self) -> bool:
        """Return whether there is an account at all."""
        with self._storage.read() as reading:
            return bool(reading.accounts())

    def listing(self) -> list[Account]:
        """Return all accounts, in order of their names."""
        with self._storage.read() as reading:
            return reading.accounts()

    def get(self, name: str) -> Account:
        """Return the account of this name, in whatever case. Raises NotFound."""
        with self._storage.read() as reading:
            return _find(reading, name)

    def first_link(self) -> str:
        """Return a new single-use secret with which the first account may be made; an earlier one ends. Raises
        Conflict once there is an account."""
        secret, kept = new_first(self._clock())
        with self._storage.write() as write:
            if write.accounts():
                raise Conflict("there is an account already", hint="log in, or ask an admin for an account")
            _drop(write, write.credentials("link", ""))
            write.put_credential(kept)
        return secret

    def create_first(self, secret: str, name: str, password: str) -> Identity:
        """Make the first account, an admin. Raises Rejected for a wrong or used secret, or a password that will not do.
        """
        stored = hashed(password, checked_name(name))
        with self._storage.write(growing=True) as write:
            link = write.credential(fingerprint(secret))
            if write.accounts() or link is None or link.account or not is_good(link, "link", self._clock()):
                raise Rejected("this link is wrong or was used", hint="use the one printed at the last start")
            write.drop_credential(link.hash)
            self._add(write, name, "admin", stored, by=name)
        return Identity(name, "admin")

    def create(self, name: str, password: str, role: Role, by: str = SYSTEM) -> None:
        """Make an account. Raises Conflict for a name that is taken, in whatever case; Rejected for a role, name or
        password that will not do."""
        _check_role(role)
        stored = hashed(password, checked_name(name))
        with self._storage.write(growing=True) as write:
            self._add(write, name, role, stored, by)

    def end(self, name: str, by: str = SYSTEM) -> None:
        """End the account with all its sessions. Raises NotFound; Conflict for the last admin."""
        with self._storage.write() as write:
            account = _find(write, name)
            _keep_an_admin(write, account)
            write.drop_account(account.key)
            write.drop_guesses(account.key)
            _drop(write, _of(write, account.key))
            write.note(by, "account.ended", account.name)

    def change_role(self, name: str, role: Role, by: str = SYSTEM) -> None:
        """Give the account another role, from its next request on. Raises NotFound; Conflict for the last admin."""
        _check_role(role)
        with self._storage.write() as write:
            account = _find(write, name)
            if role != "admin":
                _keep_an_admin(write, account)
            write.put_account(account._replace(role=role))
            write.note(by, "account.role", account.name, role=role)

    def reset(self, name: str, by: str = SYSTEM) -> str:
        """Return the secret of a one-time link, good for a day, with which the account gets a new password. The old
        password and all sessions end at once. Raises NotFound."""
        with self._storage.write() as write:
            account = _find(write, name)
            secret, kept = new_reset(account, self._clock())
            write.put_account(account._replace(password=NO_PASSWORD))
            _drop(write, _of(write, account.key))
            write.drop_guesses(account.key)
            write.put_credential(kept)
            write.note(by, "account.reset", account.name)
        return secret

    def use_reset(self, secret: str, password: str) -> Identity:
        """Set the password of the account that a reset's link is for. Raises Rejected for a link that has ended, or a
        password that will not do."""
        with self._storage.read() as reading:
            account = self._for_link(reading, secret)
        stored = hashed(password, account.name)
        with self._storage.write() as write:
            account = self._for_link(write, secret)
            self._new_password(write, account, stored)
        return Identity(account.name, account.role)

    def change_password(self, session: str, old: str, new: str) -> None:
        """Set one's own password; the account's other sessions end. Raises NotFound when the session has ended,
        Rejected for a wrong old password or a new one that will not do, Unavailable while the name is locked out."""
        with self._storage.read() as reading:
            mine = self._session(reading, session)
        if mine is None:
            raise NotFound("this session has ended", hint="log in again")
        account = mine[1]
        stored = hashed(new, account.name)
        self._prove(account.name, old, "the old password is wrong")
        with self._storage.write() as write:
            found = self._session(write, session)
            if found is None:
                raise NotFound("this session has ended", hint="log in again")
            self._new_password(write, found[1], stored, keep=found[0].hash)

    def log_in(self, name: str, password: str, agent: str = "") -> str:
        """Return a session secret, good for twelve hours. Raises Rejected without saying which part was wrong,
        Unavailable while the name is locked out, whether somebody has it or not."""
        account = self._prove(name, password, WRONG)
        with self._storage.write() as write:
            # Whoever ended the account or its password while this was verified has the last word.
            if write.account(account.key) != account:
                raise Rejected(WRONG)
            now = self._clock()
            write.drop_expired(now)
            secret, kept = new_session(account, now, agent)
            write.put_credential(kept)
            write.note(account.name, "account.log-in", account.name)
        return secret

    def log_out(self, session: str) -> None:
        """End a session; one that has ended already is no error."""
        with self._storage.write() as write:
            found = self._session(write, session)
            if found is not None:
                write.drop_credential(found[0].hash)
                write.note(found[1].name, "account.log-out", found[1].name)

    def by_session(self, session: str) -> Identity | None:
        """Return whose session this is, None when it has ended."""
        with self._storage.read() as reading:
            found = self._session(reading, session)
        return Identity(found[1].name, found[1].role) if found else None

    def by_token(self, token: str) -> Identity | None:
        """Return whose token this is, None when there is no such token."""
        with self._storage.read() as reading:
            kept = reading.credential(fingerprint(token))
        return Identity(kept.name, kept.role) if kept and is_good(kept, "token", self._clock()) else None

    def sessions(self, name: str) -> list[Credential]:
        """Return the sessions of an account that have not ended, oldest first. Raises NotFound."""
        now = self._clock()
        with self._storage.read() as reading:
            account = _find(reading, name)
            return [one for one in reading.credentials("session", account.key) if is_good(one, "session", now)]

    def own_sessions(self, session: str) -> list[tuple[Credential, bool]]:
        """Return the sessions of whose session this is, and of each whether it is this one. Empty when it has ended."""
        with self._storage.read() as reading:
            found = self._session(reading, session)
            mine = reading.credentials("session", found[1].key) if found else []
        now = self._clock()
        return [(one, one.hash == fingerprint(session)) for one in mine if is_good(one, "session", now)]

    def end_session(self, session_id: str, by: Identity) -> None:
        """End a session: one's own, an admin anybody's. Raises NotFound, also for the session of somebody else."""
        with self._storage.write() as write:
            for one in write.credentials("session"):
                if one.id == session_id and (by.role == "admin" or one.account == canonical(by.name)):
                    write.drop_credential(one.hash)
                    write.note(by.name, "session.ended", one.name)
                    return
        raise NotFound("there is no such session", hint="it may have ended already")

    def new_token(self, name: str, role: Role, by: str = SYSTEM) -> str:
        """Return a bearer token for a program; it is shown once and kept as its hash."""
        _check_role(role)
        token, kept = new_token(checked_name(name), role, self._clock())
        with self._storage.write(growing=True) as write:
            write.put_credential(kept)
            write.note(by, "token.made", name, role=role)
        return token

    def tokens(self) -> list[Credential]:
        """Return all tokens, in order of making."""
        with self._storage.read() as reading:
            return reading.credentials("token")

    def revoke_tokens(self, name: str, by: str = SYSTEM) -> None:
        """End every token of this name. Raises NotFound when there is none."""
        with self._storage.write() as write:
            ended = [one for one in write.credentials("token") if canonical(one.name) == canonical(name)]
            if not ended:
                raise NotFound(f"there is no token of {name}")
            _drop(write, ended)
            write.note(by, "token.revoked", ended[0].name)

    def _prove(self, name: str, password: str, wrong: str) -> Account:
        """Return the account, if name and password fit. The try is counted before the password is looked at, so that no
        number of guesses at a time gets past the lock; an unknown name goes the same way as a known one."""
        key = canonical(name)
        with self._storage.write() as write:
            guesses, now = write.guesses(key), self._lock_clock()
            left = wait(guesses, now)
            if left:
                raise Unavailable(f"too many wrong passwords: try again in {math.ceil(left)} seconds")
            counted = after_failure(guesses, now)
            write.put_guesses(key, counted, now, MOST_NAMES)
            account = write.account(key)
        right = fits(account.password if account else NO_PASSWORD, password)
        with self._storage.write() as write:
            if account is not None and right:
                write.drop_guesses(key)
                return account
            if account is None:
                # As much work as the trail's line for a name that somebody has: time must not tell them apart.
                write.put_guesses(key, counted, now, MOST_NAMES)
            self._note_refusal(write, account, round(wait(counted, now)))
        raise Rejected(wrong)

    def _note_refusal(self, write: Writing, account: Account | None, locked_s: int) -> None:
        if account is not None:
            write.note(account.name, "account.refused", account.name, **({"locked_s": locked_s} if locked_s else {}))
        elif self._clock() - self._strangers_noted >= STRANGERS_S:
            self._strangers_noted = self._clock()
            write.note("unknown", "account.refused", "unknown")

    def _session(self, reading: Reading, secret: str) -> tuple[Credential, Account] | None:
        kept = reading.credential(fingerprint(secret))
        if kept is None or not is_good(kept, "session", self._clock()):
            return None
        account = reading.account(kept.account)
        return (kept, account) if account else None

    def _for_link(self, reading: Reading, secret: str) -> Account:
        link = reading.credential(fingerprint(secret))
        account = reading.account(link.account) if link and is_good(link, "link", self._clock()) else None
        if account is None:
            raise Rejected("this link is wrong, was used or is older than a day", hint="ask an admin for a new one")
        return account

    def _new_password(self, write: Writing, account: Account, stored: str, keep: str = "") -> None:
        write.put_account(account._replace(password=stored))
        _drop(write, [one for one in _of(write, account.key) if one.hash != keep])
        write.drop_guesses(account.key)
        write.note(account.name, "account.password", account.name)

    def _add(self, write: Writing, name: str, role: Role, stored: str, by: str) -> None:
        key = canonical(name)
        if write.account(key) is not None:
            raise Conflict(f"there is an account {name} already", hint="capital letters make no difference")
        write.put_account(Account(key, name, role, stored, self._clock()))
        write.note(by, "account.created", name, role=role)


def _find(reading: Reading, name: str) -> Account:
    account = reading.account(canonical(name))
    if account is None:
        raise NotFound(f"there is no account {name!r}")
    return account


def _keep_an_admin(reading: Reading, account: Account) -> None:
    others = (one for one in reading.accounts() if one.key != account.key)
    if account.role == "admin" and not any(one.role == "admin" and one.password != NO_PASSWORD for one in others):
        raise Conflict(f"{account.name} is the last admin who can log in", hint="make another admin first")


def _of(reading: Reading, key: str) -> list[Credential]:
    return reading.credentials("session", key) + reading.credentials("link", key)


def _drop(write: Writing, credentials: list[Credential]) -> None:
    for one in credentials:
        write.drop_credential(one.hash)


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise Rejected(f"no role {role!r}", hint=f"one of {', '.join(get_args(Role))}")
