"""Fills the network's own values into the configuration files that Fabric's programs read (files/)."""

import json
from importlib.resources import files
from pathlib import Path
from string import Template

from cloud.ledger.fabric import identities, whole
from cloud.ledger.fabric.settings import FabricNetwork

MSPIDS = {organisation.name: organisation.mspid for organisation in identities.ORGANISATIONS}
BUILDER = ("detect", "build", "release")


def write(network: FabricNetwork) -> None:
    """Write config/PART/{core,orderer}.yaml, config/channels/configtx.yaml and builder/, below the network's home."""
    for part in network.peers:
        _write(network.home / "config" / part / "core.yaml", peer(network, part))
    for part in network.orderers:
        _write(network.home / "config" / part / "orderer.yaml", orderer(network, part))
    _write(network.home / "config" / "channels" / "configtx.yaml", channels(network))
    for name in BUILDER:
        whole.write(network.home / "builder" / "bin" / name, _file(f"builder/bin/{name}"), 0o755)


def peer(network: FabricNetwork, part: str) -> dict[str, str]:
    return {
        "name": part,
        "mspid": MSPIDS[part.removeprefix("peer-")],
        "address": network.address(part),
        "chaincode_address": network.address(part, "chaincode"),
        "operations_address": network.address(part, "operations"),
        "node": _inside(network.node(part)),
        "data": _inside(network.home / "data" / part),
        "builder": _inside(network.home / "builder"),
    }


def orderer(network: FabricNetwork, part: str) -> dict[str, str]:
    return {
        "port": str(network.ports[part]["grpc"]),
        "admin_address": network.address(part, "admin"),
        "operations_address": network.address(part, "operations"),
        "node": _inside(network.node(part)),
        "data": _inside(network.home / "data" / part),
    }


def channels(network: FabricNetwork) -> dict[str, str]:
    # JSON is YAML's flow style.
    consenters = [{"Host": "127.0.0.1", "Port": network.ports[part]["grpc"],
                   "ClientTLSCert": str(network.node(part) / "tls" / "server.crt"),
                   "ServerTLSCert": str(network.node(part) / "tls" / "server.crt")} for part in network.orderers]
    return {
        "organisations": _inside(network.home / "organisations"),
        "orderer_endpoints": json.dumps([network.address(part) for part in network.orderers]),
        "consenters": json.dumps(consenters),
        "campus_port": str(network.ports["peer-campus"]["grpc"]),
        "police_port": str(network.ports["peer-police"]["grpc"]),
    }


def _write(path: Path, values: dict[str, str]) -> None:
    whole.write(path, Template(_file(path.name)).substitute(values))


def _file(name: str) -> str:
    return (files("cloud.ledger.fabric") / "files" / name).read_text("utf-8")


def _inside(path: Path) -> str:
    """Return a path as it stands between double quotes in YAML."""
    return json.dumps(str(path))[1:-1]
