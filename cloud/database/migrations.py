"""Ordered migrations. Each runs once, in one transaction with its own record, under a lock."""

from collections.abc import Callable, Sequence

from sqlalchemy import text
from sqlmodel import Session

from cloud.database.engine import Database
from contract.errors import Rejected
from contract.moments import now

Migration = tuple[str | Callable[[Session], None], ...]
"""Statements, run in order. `{blob}` stands for the database's word for a column of bytes. A function does what SQL
cannot say."""

_LOCK = 0x53656E7472  # one number for pg_advisory_xact_lock, ours alone


def migrate(database: Database, migrations: Sequence[Migration]) -> None:
    """Run what has not run yet. Raises Rejected for a database made by a newer program."""
    with database.write() as session:
        if not database.is_sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        session.execute(text("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, at TEXT)"))
        done = session.execute(text("SELECT coalesce(max(number), 0) FROM migrations")).scalar_one()
        if done > len(migrations):
            raise Rejected(
                f"the database is at schema {done}, this program knows {len(migrations)}",
                hint="run the newer Sentrybox that made it, or restore a backup",
            )
        for number, migration in list(enumerate(migrations, 1))[done:]:
            for statement in migration:
                if callable(statement):
                    statement(session)
                else:
                    session.execute(text(statement.replace("{blob}", "BLOB" if database.is_sqlite else "BYTEA")))
            session.execute(
                text("INSERT INTO migrations (number, at) VALUES (:number, :at)"),
                {"number": number, "at": now()},
            )

