"""Every test that asks for `database` runs on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator

import pytest

from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.opening import connect
from tests.support import postgres


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with postgres.new_database() as url:
        yield url


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path) -> str:
    if getattr(request, "param", "sqlite") == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/cloud.db"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = connect(url)
    with database.write() as session:
        meta.ensure_epoch(session)
    yield database
    database.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "url" in metafunc.fixturenames:
        metafunc.parametrize("url", ["sqlite", "postgresql"], indirect=True)
