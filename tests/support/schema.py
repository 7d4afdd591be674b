"""Whether a migrated database has just the tables, columns and keys of the row classes."""

import importlib
import pkgutil
from collections.abc import Sequence

from sqlalchemy import Table, inspect
from sqlmodel import Session, SQLModel

from cloud.database import tables


def tables_of(module: str) -> list[Table]:
    """The tables of the row classes that a module defines."""
    found = vars(importlib.import_module(module)).values()
    return [one.__table__ for one in found
            if isinstance(one, type) and issubclass(one, SQLModel) and one.__module__ == module]


def campus_tables() -> list[Table]:
    """The tables of a campus, all wings."""
    names = [module.name for module in pkgutil.iter_modules(tables.__path__)]
    return [table for name in names for table in tables_of(f"cloud.database.tables.{name}")]


def assert_schema(session: Session, expected: Sequence[Table]) -> None:
    """Raises AssertionError naming the first table or column that differs."""
    found = inspect(session.connection())
    assert set(found.get_table_names()) - {"migrations"} == {table.name for table in expected}
    for table in expected:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        key = set(found.get_pk_constraint(table.name)["constrained_columns"])
        assert set(columns) == set(table.columns.keys()), table.name
        assert key == {column.name for column in table.primary_key}, table.name
        for column in table.columns:
            if column.name not in key:
                assert columns[column.name] == column.nullable, f"{table.name}.{column.name}"
