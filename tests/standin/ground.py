"""A Fabric network stood in for: real certificates, real chaincode processes, and peers and an orderer in this process.

For the suite that real networks pass too (tests/support/ground.py says what a ground is).
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from cloud.ledger.fabric import identities, package, profiles
from cloud.ledger.gateway.identity import Identity
from tests.standin import genesis, policy
from tests.standin.chaincode import Link
from tests.standin.crypto import Signer
from tests.standin.orderer import Chain, Orderer
from tests.standin.peer import Peer, Place
from tests.support.ports import free_port

BINARY = Path(__file__).parents[2] / "var" / "go" / "bin" / "sentrybox-chaincode"
ORGS = {"campus": "CampusMSP", "police": "PoliceMSP"}
# The chaincode needs milliseconds to listen; this bounds a machine that is very busy.
SERVING_S = 20.0
# A peer's own limits: chaincode.startuptimeout and chaincode.executetimeout of core.yaml.
START_S, EXECUTE_S = 20.0, 10.0


class StandinGround:
    """Parts: orderer, peer-campus, peer-police, chaincode-campus, chaincode-police. Runs when made; close() ends it.

    start_s, execute_s: how long a peer waits for a chaincode to register, and to answer.
    """

    name = "standin"

    def __init__(self, home: Path, *, start_s: float = START_S, execute_s: float = EXECUTE_S) -> None:
        if not BINARY.exists():
            raise FileNotFoundError(f"{BINARY} is missing: `make setup` builds it")
        self.home = home
        self.package_id = package.package_id(package.package())
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (home / "log").mkdir(parents=True, exist_ok=True)
        identities.make(home)
        channels = policy.channels({path.stem: path.read_bytes() for path in (home / "roots").glob("*.pem")})
        signer = Signer("OrdererMSP", self._organisation("orderer") / "nodes" / "orderer0" / "msp")
        self.orderer = Orderer(
            {
                name: Chain(channel, signer, self._blocks("orderer") / f"{name}.blocks", genesis.block(channel))
                for name, channel in channels.items()
            }
        )
        self._ports = {org: free_port() for org in ORGS}
        self.peers = {}
        for org, mspid in ORGS.items():
            folder = self._organisation(org)
            address = f"127.0.0.1:{self._ports[org]}"
            link = Link(address, self.package_id, folder / "chaincode", start_s=start_s, execute_s=execute_s)
            place = Place(folder / "nodes" / "peer0", self._blocks(f"peer-{org}"), mspid)
            self.peers[org] = Peer(place, link, channels, self.orderer)
        for peer in self.peers.values():
            peer.others = [other for other in self.peers.values() if other is not peer]
        try:
            for part in ("orderer", *(f"{kind}-{org}" for kind in ("chaincode", "peer") for org in ORGS)):
                self.start(part)
        except BaseException:
            self.close()
            raise
        profiles.write(home, {org: peer.node.address for org, peer in self.peers.items()})

    def profile(self, org: str) -> Path:
        return self.home / "profiles" / f"{org}.json"

    def identity(self, org: str, user: str) -> Identity:
        mspid = next(each.mspid for each in identities.ORGANISATIONS if each.name == org)
        msp = self._organisation(org) / "users" / user / "msp"
        return Identity.load(mspid, msp / "signcerts" / "cert.pem", msp / "keystore" / "key.pem")

    def start(self, part: str, *, package_id: str | None = None) -> None:
        """Returns when it serves. package_id: for a chaincode of another package than the one that is defined."""
        kind, _, org = part.partition("-")
        if kind == "orderer":
            self.orderer.start()
        elif kind == "peer":
            self.peers[org].start()
        else:
            self._start_chaincode(part, org, package_id or self.package_id)
        self._log(part, "started")

    def kill(self, part: str) -> None:
        """A chaincode process gets SIGKILL; a peer or the orderer stops at once, with all that was in its memory."""
        kind, _, org = part.partition("-")
        if kind == "orderer":
            self.orderer.kill()
        elif kind == "peer":
            self.peers[org].kill()
        else:
            process = self._processes.pop(part)
            process.kill()
            process.wait()
        self._log(part, "killed")

    def pid(self, part: str) -> int:
        """Of a chaincode process, for a test that stops it."""
        return self._processes[part].pid

    def files(self) -> list[Path]:
        """The block files of the orderer and of both peers."""
        return sorted((self.home / "blocks").glob("*/*.blocks"))

    def logs(self, part: str) -> Path:
        return self.home / "log" / f"{part}.log"

    def close(self) -> None:
        """Ends everything; what is on disk stays."""
        if self.orderer.alive:
            self.orderer.kill()
        for peer in self.peers.values():
            peer.kill()
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._processes.clear()

    def _start_chaincode(self, part: str, org: str, package_id: str) -> None:
        tls = self._organisation(org) / "chaincode"
        environment = {
            **os.environ,
            "CHAINCODE_ID": package_id,
            "CHAINCODE_SERVER_ADDRESS": f"127.0.0.1:{self._ports[org]}",
            "CHAINCODE_TLS_CERT": str(tls / "server.crt"),
            "CHAINCODE_TLS_KEY": str(tls / "server.key"),
            "CHAINCODE_TLS_CLIENT_CA": str(tls / "ca.crt"),
        }
        with self.logs(part).open("ab") as log:
            process = subprocess.Popen([BINARY], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes[part] = process
        end = time.monotonic() + SERVING_S
        while not _listens(self._ports[org]):
            if process.poll() is not None or time.monotonic() > end:
                said = self.logs(part).read_text(errors="replace")
                raise RuntimeError(f"{part} does not serve (exit status {process.poll()}); it said: {said[-2000:]}")
            time.sleep(0.01)

    def _organisation(self, org: str) -> Path:
        return self.home / "organisations" / org

    def _blocks(self, part: str) -> Path:
        return self.home / "blocks" / part

    def _log(self, part: str, what: str) -> None:
        with self.logs(part).open("a") as log:
            log.write(f"{what}\n")


@contextlib.contextmanager
def standin_ground(home: Path) -> Iterator[StandinGround]:
    ground = StandinGround(home)
    try:
        yield ground
    finally:
        ground.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
