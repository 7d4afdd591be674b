"""The two channels: their first blocks, and who has joined."""

from functools import partial
from pathlib import Path

from cloud.ledger.fabric import health, tool, whole
from cloud.ledger.fabric.programs import Programs
from cloud.ledger.fabric.settings import CHANNELS, FabricNetwork
from contract.errors import Rejected

JOINED_S = 30.0


def genesis(network: FabricNetwork, programs: Programs) -> None:
    """Make channels/CHANNEL.block where they are not there: once, for a second genesis would be another channel."""
    if (network.home / "channels").exists():
        return
    environment = {"FABRIC_CFG_PATH": str(network.home / "config" / "channels"), "FABRIC_LOGGING_SPEC": "error"}
    with whole.folder(network.home / "channels") as new:
        for channel in CHANNELS:
            tool.run([programs.configtxgen, "-profile", channel, "-channelID", channel,
                      "-outputBlock", new / f"{channel}.block"], environment)


def join_orderer(network: FabricNetwork, programs: Programs, orderer: str) -> None:
    """Let this orderer serve both channels, unless it does. Raises Rejected when it did and has lost its data."""
    for channel in CHANNELS:
        tool.ensure(partial(_orderer_holds, network, programs, orderer, channel),
                    partial(_join_orderer, network, programs, orderer, channel))


def join_peer(network: FabricNetwork, programs: Programs, organisation: str) -> None:
    """Let the organisation's peer hold both channels, unless it does."""
    part = f"peer-{organisation}"
    for channel in CHANNELS:
        tool.ensure(partial(_peer_holds, network, part, channel),
                    partial(tool.peer, network, programs, organisation, "channel", "join", "-b",
                            str(block(network, channel))))
    health.wait(lambda: set(CHANNELS) <= set(health.heights(network, part)), JOINED_S,
                f"{part} does not hold both channels", network.log(part))


def block(network: FabricNetwork, channel: str) -> Path:
    return network.home / "channels" / f"{channel}.block"


def _orderer_channels(network: FabricNetwork, programs: Programs, orderer: str) -> set[str]:
    listed = tool.json_in(_osnadmin(network, programs, orderer, "list").partition("Status:")[2])
    return {entry["name"] for entry in listed.get("channels") or []}


def _orderer_holds(network: FabricNetwork, programs: Programs, orderer: str, channel: str) -> bool:
    return channel in _orderer_channels(network, programs, orderer)


def _peer_holds(network: FabricNetwork, part: str, channel: str) -> bool:
    return channel in health.heights(network, part)


def _join_orderer(network: FabricNetwork, programs: Programs, orderer: str, channel: str) -> None:
    others = [each for each in network.orderers if each != orderer]
    if any(health.heights(network, each).get(channel, 0) > 1 for each in others):
        # The leader believes that it still has what it once confirmed: an empty one would end in a panic.
        raise Rejected(f"{orderer} has lost its data of channel {channel} and cannot come back empty; the others go on",
                       hint="docs/fabric.md, backups: how an orderer is replaced")
    said = _osnadmin(network, programs, orderer, "join", "--channelID", channel,
                     "--config-block", str(block(network, channel)))
    # osnadmin ends with 0 also when the orderer refuses.
    if "Status: 201" not in said:
        raise tool.ToolFailed(f"{orderer} did not join channel {channel}", " ".join(said.split()))


def _osnadmin(network: FabricNetwork, programs: Programs, orderer: str, *words: str) -> str:
    organisation = network.organisation("orderer")
    tls = organisation / "users" / "admin" / "tls"
    return tool.run([programs.osnadmin, "channel", *words, "-o", network.address(orderer, "admin"),
                     "--ca-file", organisation / "tlsca.pem", "--client-cert", tls / "client.crt",
                     "--client-key", tls / "client.key"], {})
