"""Accounts, sessions, tokens and guesses in the database of a cloud or the police: a storage for access.accounts."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, text
from sqlmodel import Session, col, select

from access.accounts import Accounts
from access.lockout import Guesses
from access.storage import Account, Credential, Kind, Reading, Writing
from cloud.database import trail
from cloud.database.engine import Database, upsert
from cloud.database.tables.access import AccountRow, CredentialRow, GuessesRow

_ONE_AT_A_TIME = 0x616363657373  # one number for pg_advisory_xact_lock, ours alone


class AccessTables:
    """The tables `accounts`, `credentials` and `guesses`, and the trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Yield one consistent look."""
        with self._database.read() as session:
            yield _Reading(session)

    @contextmanager
    def write(self, *, growing: bool = False) -> Iterator[Writing]:
        """Yield one transaction, one at a time also where several processes write: else two admins end each other."""
        with self._database.write() as session:
            if not self._database.is_sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
            yield _Writing(session)


def accounts_of(database: Database) -> Accounts:
    """Return the accounts kept in this database."""
    return Accounts(AccessTables(database))


class _Reading:
    def __init__(self, session: Session) -> None:
        self._session = session

    def account(self, key: str) -> Account | None:
        row = self._session.get(AccountRow, key)
        return _account(row) if row else None

    def accounts(self) -> list[Account]:
        # Sorted here, for PostgreSQL's order of texts depends on its locale.
        return sorted(_account(row) for row in self._session.exec(select(AccountRow)))

    def credential(self, hash: str) -> Credential | None:
        row = self._session.get(CredentialRow, hash)
        return _credential(row) if row else None

    def credentials(self, kind: Kind, account: str | None = None) -> list[Credential]:
        query = select(CredentialRow).where(CredentialRow.kind == kind)
        if account is not None:
            query = query.where(CredentialRow.account == account)
        order = (col(CredentialRow.created_at), col(CredentialRow.id))
        return [_credential(row) for row in self._session.exec(query.order_by(*order))]

    def guesses(self, key: str) -> Guesses:
        row = self._session.get(GuessesRow, key)
        return Guesses(row.failures, row.until) if row else Guesses()


class _Writing(_Reading):
    def put_account(self, account: Account) -> None:
        self._put(AccountRow(**account._asdict()))

    def drop_account(self, key: str) -> None:
        self._session.execute(delete(AccountRow).where(col(AccountRow.key) == key))

    def put_credential(self, credential: Credential) -> None:
        self._session.add(CredentialRow(**credential._asdict()))
        self._session.flush()

    def drop_credential(self, hash: str) -> None:
        self._session.execute(delete(CredentialRow).where(col(CredentialRow.hash) == hash))

    def drop_expired(self, now: float) -> None:
        self._session.execute(delete(CredentialRow).where(col(CredentialRow.expires_at) <= now))

    def put_guesses(self, key: str, guesses: Guesses, now: float, most: int) -> None:
        self._put(GuessesRow(key=key, failures=guesses.failures, until=guesses.until, at=now))
        oldest = select(GuessesRow.key).order_by(col(GuessesRow.at).desc()).offset(most)
        self._session.execute(delete(GuessesRow).where(col(GuessesRow.key).in_(oldest)))

    def drop_guesses(self, key: str) -> None:
        self._session.execute(delete(GuessesRow).where(col(GuessesRow.key) == key))

    def note(self, by: str, action: str, subject: str, **detail: str | int) -> None:
        trail.record(self._session, by, action, subject, **detail)

    def _put(self, row: AccountRow | GuessesRow) -> None:
        upsert(self._session, row, ("key",))
        # What the session read before is older than what it just wrote.
        self._session.expire_all()


def _account(row: AccountRow) -> Account:
    return Account(**row.model_dump())


def _credential(row: CredentialRow) -> Credential:
    return Credential(**row.model_dump())
