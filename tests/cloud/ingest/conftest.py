"""A database, a registered box, and `take` as the broker's subscription calls it."""

from collections.abc import Callable, Iterator

import pytest

from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.opening import connect
from cloud.ingest.bodies import Setting
from cloud.ingest.intake import Taken, take
from contract.messages import encode
from tests.support.cloud_box import SimulatedBox
from tests.support.policies import CRITICAL


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    database = connect(f"sqlite:///{tmp_path}/cloud.db")
    with database.write() as session:
        meta.ensure_epoch(session)
    yield database
    database.close()


@pytest.fixture
def setting(tmp_path) -> Setting:
    return Setting(tmp_path / "files", CRITICAL)


@pytest.fixture
def box(database) -> SimulatedBox:
    return SimulatedBox().register(database)


@pytest.fixture
def send(database, setting) -> Callable[..., Taken]:
    """send(message or bytes, box="gate-1")"""

    def send(message, box: str = "gate-1") -> Taken:
        return take(database, setting, box, message if isinstance(message, bytes) else encode(message))

    return send
