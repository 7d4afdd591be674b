"""What is said here of the stand-in is said of a real network too, where its programs are: then both are asked."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.standin import forge
from tests.standin.crypto import Signer
from tests.standin.forge import Caller
from tests.standin.ground import ORGS, StandinGround, standin_ground
from tests.support.fabric_network import fabric_ground
from tests.support.ground import Ground

GROUNDS = {"standin": standin_ground, "fabric": fabric_ground}
MSPIDS = {**ORGS, "campussec": "CampusSecMSP", "orderer": "OrdererMSP"}


@pytest.fixture(scope="session", params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with GROUNDS[request.param](tmp_path_factory.mktemp(request.param)) as ground:
        yield ground


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinGround]:
    """With short patience for chaincodes, for what can be done to the stand-in only."""
    ground = StandinGround(tmp_path_factory.mktemp("standin"), start_s=0.5, execute_s=0.5)
    try:
        yield ground
    finally:
        ground.close()


@pytest.fixture
def call(request: pytest.FixtureRequest) -> Iterator[Callable[..., Caller]]:
    """call(ground, org): the Gateway of that organisation's peer."""
    with ExitStack() as stack:
        yield lambda ground, org="campus": stack.enter_context(forge.caller(ground.profile("campus"), ORGS[org]))


@pytest.fixture
def who() -> Callable[[Ground, str, str], Signer]:
    """who(ground, org, user): somebody who signs."""
    return lambda ground, org, user: forge.signer(ground.home, org, user, MSPIDS[org])
