"""Opens a database: with its schema brought up to date, or as it is."""

from collections.abc import Sequence
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
    database = engines(url)
    try:
        migrate(database, migrations)
    except OperationalError as error:
        database.close()
        raise _unreachable(error) from error
    except BaseException:
        database.close()
        raise
    return database


def open_existing(url: str) -> Database:
    """Return the database as it is, for programs that only look at it beside the cloud: nothing is made or migrated,
    and `write()` is not for them.

    Raises Rejected for any other url and where the schema is not this program's, Unavailable when it cannot be reached.
    """
    database = engines(url)
    path = Path(url.removeprefix("sqlite:///"))
    try:
        if database.is_sqlite and not path.is_file():
            raise Unavailable(f"there is no database {path}", hint="name the configuration of a cloud that has run")
        _check_schema(database)
    except OperationalError as error:
        database.close()
        raise _unreachable(error) from error
    except BaseException:
        database.close()
        raise
    return database


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
