"""The settings of one network: its parts and their ports, written to network.json by the first `up`."""

import json
import random
import socket
from pathlib import Path
from typing import NamedTuple

from cloud.ledger.fabric import whole
from contract.errors import NotFound, Rejected

FILE = "network.json"
CHANNELS = ("general", "police")
PEERS = ("campus", "police")
# Below the kernel's own range for outgoing connections, so that nothing takes a port while its process is restarted.
FREE_PORTS = range(20000, 32000)
ORDERER_PORTS = (
    {"grpc": 7050, "admin": 7053, "operations": 8443},
    {"grpc": 7060, "admin": 7063, "operations": 8453},
    {"grpc": 7070, "admin": 7073, "operations": 8463},
)
PEER_PORTS = {
    "campus": {"grpc": 7051, "chaincode": 7052, "operations": 9444},
    "police": {"grpc": 8051, "chaincode": 8052, "operations": 9445},
}
CHAINCODE_PORTS = {"campus": 9997, "police": 9998}


class FabricNetwork(NamedTuple):
    """`ports` maps a part to its ports by purpose; all of them listen on 127.0.0.1 only."""

    home: Path
    ports: dict[str, dict[str, int]]

    @property
    def orderers(self) -> tuple[str, ...]:
        return tuple(part for part in self.ports if part.startswith("orderer"))

    @property
    def peers(self) -> tuple[str, ...]:
        return tuple(part for part in self.ports if part.startswith("peer-"))

    @property
    def chaincodes(self) -> tuple[str, ...]:
        return tuple(part for part in self.ports if part.startswith("chaincode-"))

    @property
    def parts(self) -> tuple[str, ...]:
        """Return all parts in the order of starting."""
        return (*self.orderers, *self.peers, *self.chaincodes)

    def address(self, part: str, purpose: str = "grpc") -> str:
        return f"127.0.0.1:{self.ports[part][purpose]}"

    def log(self, part: str) -> Path:
        return self.home / "log" / f"{part}.log"

    def organisation(self, name: str) -> Path:
        return self.home / "organisations" / name

    def node(self, part: str) -> Path:
        """Return the folder with msp/ and tls/ of an orderer or a peer."""
        if part.startswith("peer-"):
            return self.organisation(part.removeprefix("peer-")) / "nodes" / "peer0"
        return self.organisation("orderer") / "nodes" / f"orderer{part.removeprefix('orderer') or '0'}"


def load(home: Path) -> FabricNetwork:
    """Return the network of this home. Raises NotFound when there is none, Rejected when the file is broken."""
    path = home / FILE
    try:
        return FabricNetwork(home.resolve(), dict(json.loads(path.read_text("utf-8"))["ports"]))
    except FileNotFoundError:
        raise NotFound(f"there is no network in {home}", hint="`sentrybox fabric up` makes one") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Rejected(f"{path} is not a network's description: {error}",
                       hint="restore it, or begin anew with `sentrybox fabric reset --yes`") from error


def create(home: Path, *, ha: bool = False, usual: bool = True) -> FabricNetwork:
    """Choose ports and write network.json: the usual ones where they are free, else (or without `usual`) free ones."""
    wanted: dict[str, dict[str, int]] = {}
    for number, usual_ports in enumerate(ORDERER_PORTS[: 3 if ha else 1]):
        wanted[f"orderer{number or ''}"] = usual_ports
    for peer in PEERS:
        wanted[f"peer-{peer}"] = PEER_PORTS[peer]
    for peer in PEERS:
        wanted[f"chaincode-{peer}"] = {"grpc": CHAINCODE_PORTS[peer]}
    taken: set[int] = set()
    ports: dict[str, dict[str, int]] = {}
    for part, by_purpose in wanted.items():
        ports[part] = {}
        for purpose, port in by_purpose.items():
            ports[part][purpose] = port if usual and is_free(port) else free_port(taken)
            taken.add(ports[part][purpose])
    whole.write(home / FILE, json.dumps({"version": 1, "ports": ports}, indent=2) + "\n")
    return load(home)


def is_free(port: int) -> bool:
    """Return whether nothing listens on the port, on any address that would cover 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(taken: set[int]) -> int:
    for port in random.sample(FREE_PORTS, len(FREE_PORTS)):
        if port not in taken and is_free(port):
            return port
    raise Rejected(f"no port between {FREE_PORTS.start} and {FREE_PORTS.stop} is free on 127.0.0.1",
                   hint="end what holds them: ss -ltnp")
