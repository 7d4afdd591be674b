"""The real network, where Fabric's programs are found."""

import subprocess

import pytest

from cloud.ledger.fabric import network, processes, settings, state
from contract.errors import Conflict, NotFound
from tests.support.fabric_records import COMMITMENT, read, record


@pytest.mark.parametrize("channel", settings.CHANNELS)
def test_a_record_is_committed_and_read_by_both_organisations(ground, channel):
    name, commit = record(ground, channel)
    assert commit.name == "VALID"
    assert COMMITMENT.encode() in read(ground, name, channel)
    assert COMMITMENT.encode() in read(ground, name, channel, "police")


def test_up_on_a_running_network_changes_nothing(ground):
    before = {part: processes.find(ground.home, part) for part in settings.load(ground.home).parts}
    said = []
    network.up(ground.home, report=said.append)
    assert {part: processes.find(ground.home, part) for part in before} == before
    assert any("every process is running" in line for line in said)
    assert len(said) > 3 and all(line.split()[1] == "s" for line in said)


def test_status_tells_each_part_channel_and_certificate(ground):
    found = network.status(ground.home)
    assert found.well, list(state.lines(found))
    assert len(found.parts) == 5 and all(part.pid and part.memory > 5e6 for part in found.parts)
    assert [(each.channel, each.version, each.sequence) for each in found.channels] == [
        ("general", "1", 1), ("police", "1", 1)]
    assert all(set(each.heights) == {"peer-campus", "peer-police"} for each in found.channels)
    assert {each.organisation for each in found.certificates} == {"campus", "campussec", "orderer", "police"}
    assert all(each.days > 1800 for each in found.certificates)


def test_nothing_listens_beyond_the_loopback_address(ground):
    pids = {processes.find(ground.home, part).pid for part in settings.load(ground.home).parts}
    out = subprocess.run(["ss", "-Hltunp"], capture_output=True, text=True, check=True).stdout
    own = [line.split()[4] for line in out.splitlines() if any(f"pid={pid}," in line for pid in pids)]
    ports = {port for by_purpose in settings.load(ground.home).ports.values() for port in by_purpose.values()}
    assert {int(address.rpartition(":")[2]) for address in own} == ports
    assert {address.rpartition(":")[0] for address in own} == {"127.0.0.1"}


def test_status_names_what_does_not_run_and_start_mends_it(ground):
    network.kill(ground.home, "peer-police")
    found = network.status(ground.home)
    assert not found.well
    assert [part.part for part in found.parts if part.problem] == ["peer-police"]
    assert any(line.startswith("!!  peer-police") and "not running" in line for line in state.lines(found))
    network.start(ground.home, "peer-police")
    assert network.status(ground.home).well
    with pytest.raises(NotFound, match="no part peer-nobody"):
        network.start(ground.home, "peer-nobody")


def test_down_and_up_keep_the_data(ground):
    name, _ = record(ground)
    assert set(network.down(ground.home)) == set(settings.load(ground.home).parts)
    assert network.down(ground.home) == []
    assert not [part for part in settings.load(ground.home).parts if processes.find(ground.home, part)]
    network.up(ground.home, report=lambda line: None)
    assert COMMITMENT.encode() in read(ground, name)
    assert record(ground)[1].name == "VALID"


def test_three_orderers_are_not_made_of_one(ground):
    with pytest.raises(Conflict, match="made with one orderer"):
        network.up(ground.home, ha=True)
