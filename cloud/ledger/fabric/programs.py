"""Hyperledger Fabric's own programs: a prerequisite, looked for in FABRIC_BIN and then on PATH."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from contract.errors import Rejected

NAMES = ("peer", "orderer", "configtxgen", "osnadmin")
WANTED = "Hyperledger Fabric 2.5 LTS release binaries: " + ", ".join(NAMES)
HINT = f"get the {WANTED}; docs/fabric.md says where, and FABRIC_BIN names their folder"
# `peer version` answers in well under a second; a program that hangs is not one of Fabric's.
VERSION_S = 15.0


class Programs(NamedTuple):
    """Absolute paths, and the version that `peer version` printed, such as 2.5.16."""

    peer: Path
    orderer: Path
    configtxgen: Path
    osnadmin: Path
    version: str


def find() -> Programs | None:
    """Return the programs, or None where they are missing or not of 2.5."""
    try:
        return require()
    except Rejected:
        return None


def require() -> Programs:
    """Return the programs. Raises Rejected naming those that are missing, or a version that is not 2.5."""
    folder = os.environ.get("FABRIC_BIN")
    path = os.pathsep.join(part for part in (folder, os.environ.get("PATH")) if part)
    found = {name: shutil.which(name, path=path) for name in NAMES}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        looked = f"in {folder} (FABRIC_BIN) and on PATH" if folder else "on PATH; FABRIC_BIN is not set"
        raise Rejected(f"{', '.join(missing)} not found {looked}", hint=HINT)
    paths = {name: Path(str(place)).resolve() for name, place in found.items()}
    version = read_version(paths["peer"])
    if not re.match(r"2\.5\.\d+", version):
        raise Rejected(f"{paths['peer']} is Fabric {version}; Sentrybox runs on 2.5 LTS", hint=HINT)
    return Programs(**paths, version=version)


def read_version(peer: Path) -> str:
    """Return what `peer version` says, without the v. Raises Rejected when it is not Fabric's peer."""
    try:
        done = subprocess.run([peer, "version"], capture_output=True, text=True, timeout=VERSION_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Rejected(f"{peer} does not run: {error}", hint=HINT) from error
    match = re.search(r"^\s*Version:\s*v?(\S+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or match is None:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["nothing"]
        raise Rejected(f"`{peer} version` does not name a Fabric version; it said: {said[0]}", hint=HINT)
    return match[1]
