"""The two channels: their first blocks, and who has joined."""

from pathlib import Path

from cloud.ledger.fabric import health, tool, whole
from cloud.ledger.fabric.programs import Programs
from cloud.ledger.fabric.settings import CHANNELS, Network
from contract.errors import Unavailable

JOINED_S = 30.0


def genesis(network: Network, programs: Programs) -> None:
    """Make channels/CHANNEL.block where they are not there: once, for a second genesis would be another channel."""
    if (network.home / "channels").exists():
        return
    environment = {"FABRIC_CFG_PATH": str(network.home / "config" / "channels"), "FABRIC_LOGGING_SPEC": "error"}
    with whole.folder(network.home / "channels") as new:
        for channel in CHANNELS:
            tool.run([programs.configtxgen, "-profile", channel, "-channelID", channel,
                      "-outputBlock", new / f"{channel}.block"], environment)


def join_orderer(network: Network, programs: Programs, orderer: str) -> None:
    """Let this orderer serve both channels, unless it does."""
    served = _orderer_channels(network, programs, orderer)
    for channel in CHANNELS:
        if channel in served:
            continue
        said = _osnadmin(network, programs, orderer, "join", "--channelID", channel,
                         "--config-block", str(block(network, channel)))
        # osnadmin ends with 0 also when the orderer refuses.
        if "Status: 201" not in said:
            raise Unavailable(f"{orderer} did not join channel {channel}: {' '.join(said.split())}",
                              hint=f"see {network.log(orderer)}")


def join_peer(network: Network, programs: Programs, organisation: str) -> None:
    """Let the organisation's peer hold both channels, unless it does."""
    part = f"peer-{organisation}"
    held = health.heights(network, part)
    for channel in CHANNELS:
        if channel not in held:
            try:
                tool.peer(network, programs, organisation, "channel", "join", "-b", str(block(network, channel)))
            except tool.Failed as error:
                # Its gauges come a moment after its ledgers.
                if "already exists" not in error.said:
                    raise
    health.wait(lambda: set(CHANNELS) <= set(health.heights(network, part)), JOINED_S,
                f"{part} does not hold both channels", network.log(part))


def block(network: Network, channel: str) -> Path:
    return network.home / "channels" / f"{channel}.block"


def _orderer_channels(network: Network, programs: Programs, orderer: str) -> set[str]:
    listed = tool.json_in(_osnadmin(network, programs, orderer, "list").partition("Status:")[2])
    return {entry["name"] for entry in listed.get("channels") or []}


def _osnadmin(network: Network, programs: Programs, orderer: str, *words: str) -> str:
    organisation = network.organisation("orderer")
    tls = organisation / "users" / "admin" / "tls"
    return tool.run([programs.osnadmin, "channel", *words, "-o", network.address(orderer, "admin"),
                     "--ca-file", organisation / "tlsca.pem", "--client-cert", tls / "client.crt",
                     "--client-key", tls / "client.key"], {})
