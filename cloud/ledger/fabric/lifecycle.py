"""The chaincode's way onto the channels: installed on each peer, approved by each organisation, committed once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cloud.ledger.fabric import health, tool, whole
from cloud.ledger.fabric.configuration import MSPIDS
from cloud.ledger.fabric.package import package, package_id
from cloud.ledger.fabric.profiles import CHAINCODE
from cloud.ledger.fabric.programs import Programs
from cloud.ledger.fabric.settings import CHANNELS, PEERS, FabricNetwork

# A higher sequence is a new definition that the organisations approve anew: docs/fabric.md, upgrading.
VERSION = "1"
SEQUENCE = 1
ENDORSEMENT = "OR('CampusMSP.peer','PoliceMSP.peer')"
DEFINITION = ("--name", CHAINCODE, "--version", VERSION, "--sequence", str(SEQUENCE),
              "--signature-policy", ENDORSEMENT)
COMMITTED_S = 30.0


def deploy(network: FabricNetwork, programs: Programs) -> None:
    """Bring the chaincode onto both channels; does only what is not done yet."""
    data = package()
    path = network.home / "chaincode.tar.gz"
    whole.write(path, data)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda organisation: _install(network, programs, organisation, str(path), package_id(data)),
                      PEERS))
        list(pool.map(lambda channel: _commit(network, programs, channel, package_id(data)), CHANNELS))


def committed(
    network: FabricNetwork, programs: Programs, channel: str, organisation: str = "campus"
) -> tuple[str, int]:
    """Return (version, sequence) of the chaincode on the channel as this organisation's peer sees it; ("", 0) without
    one.
    """
    try:
        said = tool.peer(network, programs, organisation, "lifecycle", "chaincode", "querycommitted",
                         "--channelID", channel, "--name", CHAINCODE, "--output", "json")
    except tool.ToolFailed as error:
        if "is not defined" in error.said:
            return "", 0
        raise
    found = tool.json_in(said)
    return str(found["version"]), int(found["sequence"])


def _install(network: FabricNetwork, programs: Programs, organisation: str, path: str, identity: str) -> None:
    def done() -> bool:
        said = tool.peer(network, programs, organisation, "lifecycle", "chaincode", "queryinstalled",
                         "--output", "json")
        return identity in {entry["package_id"] for entry in tool.json_in(said).get("installed_chaincodes") or []}

    tool.ensure(done, lambda: tool.peer(network, programs, organisation, "lifecycle", "chaincode", "install", path))


def _commit(network: FabricNetwork, programs: Programs, channel: str, identity: str) -> None:
    where = [*tool.to_orderer(network), "--channelID", channel, *DEFINITION]
    both = [word for organisation in PEERS for word in (
        "--peerAddresses", network.address(f"peer-{organisation}"),
        "--tlsRootCertFiles", str(network.organisation(organisation) / "tlsca.pem"))]

    def done(organisation: str = "campus") -> bool:
        return committed(network, programs, channel, organisation)[1] >= SEQUENCE

    def approved(mspid: str) -> bool:
        return done() or _approvals(network, programs, channel).get(mspid, False)

    if not done():
        for organisation in PEERS:
            tool.ensure(
                partial(approved, MSPIDS[organisation]),
                partial(tool.peer, network, programs, organisation, "lifecycle", "chaincode", "approveformyorg", *where,
                        "--package-id", identity))
        tool.ensure(done, lambda: tool.peer(network, programs, "campus", "lifecycle", "chaincode", "commit",
                                            *where, *both))
    for organisation in PEERS:
        health.wait(partial(done, organisation), COMMITTED_S,
                    f"peer-{organisation} does not see the chaincode on {channel}",
                    network.log(f"peer-{organisation}"))


def _approvals(network: FabricNetwork, programs: Programs, channel: str) -> dict[str, bool]:
    said = tool.peer(network, programs, "campus", "lifecycle", "chaincode", "checkcommitreadiness",
                     "--channelID", channel, *DEFINITION, "--output", "json")
    return dict(tool.json_in(said)["approvals"])
