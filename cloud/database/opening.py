"""Opens a database: with its schema brought up to date, or as it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from cloud.database.engine import Database, engines
from cloud.database.migrations import Migration, migrate
from cloud.database.schema import MIGRATIONS
from contract.errors import Rejected, Unavailable


def connect(url: str, migrations: Sequence[Migration] = MIGRATIONS) -> Database:
    """Open the database and bring its schema up to date.

    `url` is `sqlite:////absolute/path.db` or `postgresql://user:password@host/name`. Raises Rejected for any
    other and for a database newer than this program; Unavailable when it cannot be reached."""
    with _opening(url) as database:
        migrate(database, migrations)
    return database


def open_existing(url: str) -> Database:
    """Return the database as it is, for programs that only look at it beside the cloud: nothing is made or migrated,
    and `write()` is not for them.

    Raises Rejected for any other url and where the schema is not this program's, Unavailable when it cannot be reached.
    """
    path = Path(url.removeprefix("sqlite:///"))
    with _opening(url) as database:
        if database.is_sqlite and not path.is_file():
            raise Unavailable(f"there is no database {path}", hint="name the configuration of a cloud that has run")
        _check_schema(database)
    return database


@contextmanager
def _opening(url: str) -> Iterator[Database]:
    # Closed again when what is done first with it fails.
    database = engines(url)
    try:
        yield database
    except BaseException as error:
        database.close()
        if isinstance(error, OperationalError):
            raise _unreachable(error) from error
        raise


def _unreachable(error: OperationalError) -> Unavailable:
    return Unavailable(
        f"the database cannot be opened: {str(error.orig).strip()}",
        hint="is the server running, and may this user write there?",
    )


def _check_schema(database: Database) -> None:
    try:
        with database.read() as session:
            done = session.execute(text("SELECT coalesce(max(number), 0) FROM migrations")).scalar_one()
    except ProgrammingError as error:
        raise Rejected("this database is not one of a cloud") from error
    if done != len(MIGRATIONS):
        raise Rejected(
            f"the database is at schema {done}, this program needs {len(MIGRATIONS)}",
            hint="use the version of Sentrybox that the cloud runs",
        )
