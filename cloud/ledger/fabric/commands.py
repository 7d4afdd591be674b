"""The command that starts each part: program, arguments, environment."""

import json
import os
from pathlib import Path
from typing import NamedTuple

from cloud.ledger.fabric.package import package, package_id
from cloud.ledger.fabric.programs import Programs
from cloud.ledger.fabric.settings import FabricNetwork
from contract.errors import NotFound, Rejected

CHAINCODE_VARIABLE = "SENTRYBOX_CHAINCODE"
CHAINCODE_BINARY = Path("var/go/bin/sentrybox-chaincode")
LOGGING = {
    # An orderer would warn of each client that ends its stream, which every transaction's does.
    "FABRIC_LOGGING_SPEC": "warn:orderer.common.broadcast=error",
    # Fabric's own format, without colours.
    "FABRIC_LOGGING_FORMAT": "%{time:2006-01-02T15:04:05.000Z07:00} %{level} [%{module}] %{shortfunc}: %{message}",
}


class Command(NamedTuple):
    """`environment` is all that the process gets."""

    program: Path
    arguments: tuple[str, ...]
    environment: dict[str, str]


def command(network: FabricNetwork, part: str, programs: Programs) -> Command:
    """Return how to start this part. Raises NotFound for an unknown part, Rejected when the chaincode is not built."""
    if part in network.orderers:
        return Command(programs.orderer, (), _environment(FABRIC_CFG_PATH=str(network.home / "config" / part)))
    if part in network.peers:
        return Command(programs.peer, ("node", "start"), _environment(
            FABRIC_CFG_PATH=str(network.home / "config" / part),
            CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG=builder_values(network, part.removeprefix("peer-"))))
    if part in network.chaincodes:
        folder = network.organisation(part.removeprefix("chaincode-")) / "chaincode"
        return Command(chaincode_binary(), (), _environment(
            CHAINCODE_ID=package_id(package()), CHAINCODE_SERVER_ADDRESS=network.address(part),
            CHAINCODE_TLS_CERT=str(folder / "server.crt"), CHAINCODE_TLS_KEY=str(folder / "server.key"),
            CHAINCODE_TLS_CLIENT_CA=str(folder / "ca.crt")))
    raise NotFound(f"the network has no part {part}", hint="its parts: " + ", ".join(network.parts))


def builder_values(network: FabricNetwork, organisation: str) -> str:
    """Return what the peer's builder fills into connection.json: address and TLS of the organisation's own chaincode.
    """
    folder = network.organisation(organisation) / "chaincode"
    return json.dumps({
        "address": network.address(f"chaincode-{organisation}"),
        "client_key": (folder / "client.key").read_text(),
        "client_cert": (folder / "client.crt").read_text(),
        "root_cert": (folder / "ca.crt").read_text(),
    })


def chaincode_binary() -> Path:
    """Return the built chaincode: SENTRYBOX_CHAINCODE, or var/go/bin/sentrybox-chaincode. Raises Rejected without it.
    """
    path = Path(os.environ.get(CHAINCODE_VARIABLE) or CHAINCODE_BINARY).resolve()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise Rejected(f"the chaincode is not built: {path} is not a program",
                       hint=f"`make setup` builds it; {CHAINCODE_VARIABLE} names another one")
    return path


def _environment(**values: str) -> dict[str, str]:
    # Nothing of the caller's FABRIC_*, CORE_* or ORDERER_* may reach the process: those win over the files.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "TZ") if name in os.environ}
    return {**kept, **LOGGING, **values}
