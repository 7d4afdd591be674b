import pytest

from tests.support.fabric_network import fabric_ground


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with fabric_ground(tmp_path_factory.mktemp("fabric") / "net") as ground:
        yield ground
