"""Runs Fabric's command-line programs: bounded, as a given administrator, errors in words."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloud.ledger.fabric.configuration import MSPIDS
from cloud.ledger.fabric.programs import Programs
from cloud.ledger.fabric.settings import FabricNetwork
from contract.errors import Unavailable

# Longer than the peer's own 30 s of waiting for a transaction's event, so that its words are heard.
RUN_S = 60.0
# For how long a refusal that passes by itself is met with another try: an election, a peer that catches up.
PATIENCE_S = 30.0
# A transaction that was sent is in a block within two seconds, unless the orderers are electing.
SETTLE_S = 5.0
PASSING = ("SERVICE_UNAVAILABLE", "no Raft leader", "connection refused", "Unavailable desc", "code = Unavailable",
           "timed out waiting for txid")


class ToolFailed(Unavailable):
    """A program ended with an error; `said` is all that it printed."""

    def __init__(self, what: str, said: str) -> None:
        words = [line.strip() for line in said.splitlines() if line.strip()]
        super().__init__(f"{what}: {words[-1] if words else 'no word'}")
        self.said = said


def run(arguments: list[str | Path], environment: dict[str, str]) -> str:
    """Return what the program printed. Raises ToolFailed for an exit status other than 0, Unavailable after RUN_S
    seconds.
    """
    what = " ".join(str(word) for word in [Path(arguments[0]).name, *arguments[1:4]])
    try:
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{what} did not end within {RUN_S:.0f} s", hint="is the machine overloaded?") from error
    if done.returncode != 0:
        raise ToolFailed(what, done.stdout + done.stderr)
    return done.stdout + done.stderr


def peer(network: FabricNetwork, programs: Programs, organisation: str, *words: str) -> str:
    """Run `peer WORDS` as this organisation's administrator against its own peer; tries again what passes by itself."""
    part = f"peer-{organisation}"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/"),
        "FABRIC_LOGGING_SPEC": "error",
        "FABRIC_CFG_PATH": str(network.home / "config" / part),
        "CORE_PEER_LOCALMSPID": MSPIDS[organisation],
        "CORE_PEER_MSPCONFIGPATH": str(network.organisation(organisation) / "users" / "admin" / "msp"),
    }
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return run([programs.peer, *words], environment)
        except ToolFailed as error:
            if time.monotonic() > deadline or not any(sign in error.said for sign in PASSING):
                raise
            time.sleep(0.3)


def ensure(done: Callable[[], bool], act: Callable[[], object]) -> None:
    """Do it unless it is done. A failure counts only when it is not done SETTLE_S seconds later either: the same step
    of an `up` that was killed meanwhile may still be on its way."""
    if done():
        return
    try:
        act()
    except ToolFailed:
        deadline = time.monotonic() + SETTLE_S
        while not done():
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def to_orderer(network: FabricNetwork) -> list[str]:
    """Return the `peer` options that say where to send transactions."""
    ca = network.organisation("orderer") / "tlsca.pem"
    return ["-o", network.address(network.orderers[0]), "--tls", "--cafile", str(ca)]


def json_in(text: str) -> dict[str, Any]:
    """Return the JSON object in a program's output, which may begin with other lines."""
    start = text.find("{")
    return dict(json.loads(text[start:])) if start >= 0 else {}
