"""One suite, two grounds: each test runs on the stand-in, and on a real Fabric network where its programs are."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.standin.ground import StandinGround
from tests.support.fabric_network import fabric_ground
from tests.support.ground import Client, Ground

# The stand-in waits for a chaincode as long as the real network's core.yaml says, or a little less.
GROUNDS = {"standin": lambda home: closing(StandinGround(home, start_s=4, execute_s=5)), "fabric": fabric_ground}


@pytest.fixture(scope="module", params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The network; a test that kills a part of it starts that part again."""
    with GROUNDS[request.param](tmp_path_factory.mktemp(request.param)) as ground:
        yield ground


@pytest.fixture
def member(ground: Ground) -> Iterator[Callable[..., Client]]:
    """member(org, user, channel, peers=()): a client that is closed at the test's end."""
    made: list[Client] = []

    def make(*args: str, **options: tuple[str, ...]) -> Client:
        made.append(Client(ground, *args, **options))
        return made[-1]

    yield make
    for client in made:
        client.gateway.close()


@pytest.fixture
def recorder(member: Callable[..., Client]) -> Client:
    """Who writes on the general channel."""
    return member("campus", "recorder", "general")


@pytest.fixture
def guarded(member: Callable[..., Client]) -> Client:
    """Who writes on the police channel."""
    return member("campussec", "recorder", "police")


@pytest.fixture
def police(member: Callable[..., Client]) -> Client:
    """The police's own process, on the police channel."""
    return member("police", "listener", "police")
