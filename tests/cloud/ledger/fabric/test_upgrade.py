"""What docs/fabric.md says about upgrading the chaincode and about backups, done on the real network."""

import shutil
import time

from cloud.ledger.fabric import lifecycle, network, package, programs, settings, tool
from cloud.ledger.gateway.failures import GatewayError
from tests.support.fabric_network import FabricGround, fabric_ground
from tests.support.fabric_records import COMMITMENT, read, record
from tests.support.ground import SETTLE_S

BOTH = "AND('CampusMSP.peer','PoliceMSP.peer')"


def test_a_new_definition_takes_hold_when_both_have_approved_and_up_leaves_it_alone(tmp_path):
    with fabric_ground(tmp_path / "net") as ground:
        at, tools = settings.load(ground.home), programs.require()
        before, _ = record(ground)
        definition = ["--channelID", "general", "--name", "sentrybox", "--version", "2", "--sequence", "2",
                      "--signature-policy", BOTH]
        for organisation in ("campus", "police"):
            tool.peer(at, tools, organisation, "lifecycle", "chaincode", "approveformyorg", *tool.to_orderer(at),
                      *definition, "--package-id", package.package_id(package.package()))
        peers = [word for name in ("campus", "police") for word in (
            "--peerAddresses", at.address(f"peer-{name}"),
            "--tlsRootCertFiles", str(at.organisation(name) / "tlsca.pem"))]
        tool.peer(at, tools, "campus", "lifecycle", "chaincode", "commit", *tool.to_orderer(at), *definition, *peers)
        network.up(ground.home, report=lambda line: None)
        assert lifecycle.committed(at, tools, "general") == ("2", 2)
        assert lifecycle.committed(at, tools, "police") == ("1", 1)
        assert network.status(ground.home).well
        assert COMMITMENT.encode() in read(ground, before)
        assert soon_recorded(ground) == "VALID"


def soon_recorded(ground: FabricGround) -> str:
    """How a new record ends; peers learn of each other's new definition by gossip, a moment later."""
    end = time.monotonic() + SETTLE_S
    while True:
        try:
            return record(ground)[1].name
        except GatewayError as error:
            if "no peer combination" not in error.message or time.monotonic() > end:
                raise
            time.sleep(0.5)


def test_a_copy_made_while_it_was_down_is_the_same_network(tmp_path):
    with fabric_ground(tmp_path / "net") as ground:
        before, _ = record(ground)
        network.down(ground.home)
        copy = tmp_path / "copy"
        shutil.copytree(ground.home, copy, symlinks=True)
        try:
            network.up(copy, report=lambda line: None)
            assert COMMITMENT.encode() in read(FabricGround(copy), before, organisation="police")
            assert record(FabricGround(copy), "police")[1].name == "VALID"
        finally:
            network.reset(copy)
