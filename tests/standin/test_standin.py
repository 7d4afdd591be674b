"""The stand-in of a Fabric network is strict: what a real peer refuses, it refuses, in the same words."""

from collections.abc import Iterator

import pytest

from tests.standin.ground import StandinGround, standin_ground
from tests.support.ground import Client, new_record


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinGround]:
    with standin_ground(tmp_path_factory.mktemp("standin")) as ground:
        yield ground


def test_a_record_is_endorsed_submitted_and_committed(ground: StandinGround) -> None:
    client = Client(ground, "campus", "recorder", "general")
    record = new_record()
    endorsed = client.endorse("Record", *record)
    client.submit(endorsed)
    commit = client.status(endorsed)
    assert commit.name == "VALID"
    assert client.evaluate("Get", record[0]) == endorsed.result
    assert client.chain()[commit.block].transactions == (endorsed.transaction,)
