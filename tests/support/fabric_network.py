"""A real Fabric network for tests, on ports of its own, as a ground for the shared ledger suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud.ledger.fabric import network, programs, settings
from cloud.ledger.gateway.identity import Identity

SKIP = "not run: no Fabric 2.5 programs (peer, orderer, configtxgen, osnadmin); FABRIC_BIN names their folder"


class FabricGround:
    """A running network in `home`. Parts: orderer (with three also orderer1, orderer2), peer-campus, peer-police,
    chaincode-campus, chaincode-police."""

    name = "fabric"

    def __init__(self, home: Path) -> None:
        self.home = home

    def profile(self, organisation: str) -> Path:
        return self.home / "profiles" / f"{organisation}.json"

    def identity(self, organisation: str, user: str) -> Identity:
        folder = self.home / "organisations" / organisation / "users" / user / "msp"
        mspid = {each.name: each.mspid for each in network.identities.ORGANISATIONS}[organisation]
        return Identity.load(mspid, folder / "signcerts" / "cert.pem", folder / "keystore" / "key.pem")

    def kill(self, part: str) -> None:
        """SIGKILL; returns when it is dead."""
        network.kill(self.home, part)

    def start(self, part: str) -> None:
        """Returns when it serves."""
        network.start(self.home, part)

    def files(self) -> list[Path]:
        """Every block file of peers and orderers."""
        return sorted(self.home.glob("data/**/blockfile_*"))

    def logs(self, part: str) -> str:
        return (self.home / "log" / f"{part}.log").read_text(errors="replace")


@contextmanager
def fabric_ground(home: Path, *, ha: bool = False) -> Iterator[FabricGround]:
    """A network of its own in `home`, removed at the end with all its processes. Skips where there are no programs."""
    if programs.find() is None:
        pytest.skip(SKIP)
    home.mkdir(parents=True, exist_ok=True)
    settings.create(home, ha=ha, usual=False)
    try:
        network.up(home, ha, report=lambda line: None)
        yield FabricGround(home.resolve())
    finally:
        network.reset(home)
