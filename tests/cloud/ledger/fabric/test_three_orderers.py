"""A network with three orderers: one may fail."""

import shutil
import time

import pytest

from cloud.ledger.fabric import health, network, settings
from cloud.ledger.gateway.failures import GatewayError
from contract.errors import Rejected
from tests.support.fabric_network import fabric_ground
from tests.support.fabric_records import record


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with fabric_ground(tmp_path_factory.mktemp("three") / "net", ha=True) as ground:
        yield ground


def leader(ground, channel):
    at = settings.load(ground.home)
    health.wait_leader(at, channel)
    return health.leaders(at, channel)[0]


def test_all_three_serve_both_channels(ground):
    at = settings.load(ground.home)
    assert at.orderers == ("orderer", "orderer1", "orderer2")
    assert network.status(ground.home).well
    for orderer in at.orderers:
        assert set(health.metric(at, orderer, "consensus_etcdraft_is_leader")) == {"general", "police"}


def test_the_leader_is_killed_and_records_are_still_committed(ground):
    for channel in ("general", "police"):
        dead = leader(ground, channel)
        ground.kill(dead)
        began = time.monotonic()
        commits = [record(ground, channel)[1] for _ in range(3)]
        print(f"{channel}: {dead} killed; three records took {time.monotonic() - began:.2f} s")
        assert [commit.name for commit in commits] == ["VALID"] * 3
        assert leader(ground, channel) != dead
        assert [part.part for part in network.status(ground.home).parts if part.problem] == [dead]
        ground.start(dead)
        assert network.status(ground.home).well


def test_with_two_dead_nothing_is_committed_and_it_says_so_until_one_is_back(ground):
    ground.kill("orderer1")
    ground.kill("orderer2")
    with pytest.raises(GatewayError) as caught:
        record(ground, wait_s=8)
    assert caught.value.retry
    ground.start("orderer1")
    assert record(ground)[1].name == "VALID"
    ground.start("orderer2")
    assert network.status(ground.home).well


def test_up_starts_an_orderer_that_is_missing(ground):
    ground.kill("orderer")
    network.up(ground.home, report=lambda line: None)
    assert network.status(ground.home).well
    assert record(ground)[1].name == "VALID"


def test_an_orderer_that_lost_its_data_is_not_let_in_empty_and_the_others_go_on(ground):
    """Comes last: the network is not whole after it."""
    leads = leader(ground, "general")
    lost = next(part for part in settings.load(ground.home).orderers if part != leads)
    ground.kill(lost)
    shutil.rmtree(ground.home / "data" / lost)
    with pytest.raises(Rejected, match=f"{lost} has lost its data of channel general"):
        network.up(ground.home, report=lambda line: None)
    assert record(ground)[1].name == "VALID"
