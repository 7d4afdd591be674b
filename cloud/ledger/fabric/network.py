"""A whole Fabric network on this machine: up, down, reset, status, and single parts for tests.

Every step of `up` looks at what is there and does only what is missing, so it may be killed anywhere and run again.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from cloud.ledger.fabric import (
    channels,
    commands,
    configuration,
    health,
    identities,
    lifecycle,
    processes,
    profiles,
    programs,
    settings,
    state,
)
from cloud.ledger.fabric.settings import CHANNELS, PEERS, FabricNetwork
from contract.errors import Conflict, NotFound, Rejected, Unavailable

Report = Callable[[str], None]
# Chaincodes first: a peer that ends waits for nobody; orderers last, so that nothing is refused meanwhile.
ENDING = ("chaincodes", "peers", "orderers")


def up(home: Path, ha: bool = False, report: Report = print) -> FabricNetwork:
    """Make or complete the network in `home` and return when it serves; `ha` with three orderers at the first time.

    Raises Rejected when programs are missing, Conflict when the network there has one orderer and three are asked
    for, Unavailable with the end of a log when a part does not serve.
    """
    tools = programs.require()
    commands.chaincode_binary()
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def tell(text: str) -> None:
        report(f"{time.monotonic() - began:6.2f} s  {text}")

    with _alone(home):
        _tidy(home)
        network = _settings(home, ha)
        identities.make(home, orderers=len(network.orderers))
        configuration.write(network)
        profiles.write(home, {peer: network.address(f"peer-{peer}") for peer in PEERS})
        tell(f"identities and configuration in {home}")
        channels.genesis(network, tools)
        tell("first blocks of channels " + " and ".join(CHANNELS))
        begun = [part for part in network.parts if _launch(network, tools, part)]
        for part in network.parts:
            health.wait_serving(network, part)
        tell(("started " + ", ".join(begun)) if begun else "every process is running")
        for orderer in network.orderers:
            try:
                channels.join_orderer(network, tools, orderer)
            except Rejected:
                # Running, it would refuse what clients send it instead of leaving that to the others.
                processes.kill(home, orderer)
                raise
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda peer: channels.join_peer(network, tools, peer), PEERS))
        for channel in CHANNELS:
            health.wait_leader(network, channel)
        tell("orderers and peers are in both channels")
        lifecycle.deploy(network, tools)
        for part in network.parts:
            health.wait_serving(network, part)
        tell(f"chaincode {profiles.CHAINCODE} version {lifecycle.VERSION} serves on both channels")
    return network


def down(home: Path) -> list[str]:
    """End all processes of this network within a minute; returns those that ran. Their data stays."""
    network = settings.load(home)
    with _alone(network.home):
        return _end(network)


def reset(home: Path) -> None:
    """End all processes of this network and remove its home with all ledgers and keys.

    Raises Rejected when the folder holds anything but a network.
    """
    if not home.exists():
        return
    try:
        network = settings.load(home)
    except NotFound:
        if any(path.name not in ("up.lock",) and not path.name.startswith(".new-") for path in home.iterdir()):
            raise Rejected(f"{home} is not a network's home: there is no {settings.FILE}",
                           hint="name the right folder with --home") from None
    else:
        with _alone(network.home):
            _end(network)
    shutil.rmtree(home)


def status(home: Path) -> state.State:
    """Return the state of every part, channel and certificate. Raises NotFound when there is no network."""
    return state.read(settings.load(home), programs.require())


def start(home: Path, part: str) -> None:
    """Start one part of an existing network, unless it runs, and return when it serves."""
    network = settings.load(home)
    _launch(network, programs.require(), part)
    health.wait_serving(network, part)
    if part in network.orderers and _most_run(network):
        for channel in CHANNELS:
            health.wait_leader(network, channel)


def kill(home: Path, part: str) -> None:
    """SIGKILL one part; returns when it is dead."""
    network = settings.load(home)
    if part not in network.parts:
        raise NotFound(f"the network has no part {part}", hint="its parts: " + ", ".join(network.parts))
    processes.kill(network.home, part)


def _settings(home: Path, ha: bool) -> FabricNetwork:
    try:
        network = settings.load(home)
    except NotFound:
        return settings.create(home, ha=ha)
    if ha and len(network.orderers) == 1:
        raise Conflict(f"the network in {home} was made with one orderer",
                       hint="another --home for one with three, or `sentrybox fabric reset --yes` first")
    return network


def _launch(network: FabricNetwork, tools: programs.Programs, part: str) -> bool:
    if processes.find(network.home, part) is not None:
        return False
    busy = [port for port in network.ports.get(part, {}).values() if not settings.is_free(port)]
    if busy:
        raise Unavailable(f"{part} needs port {busy[0]} of 127.0.0.1, which another program holds",
                          hint=f"ss -ltnp names it; or change the port in {network.home / settings.FILE} "
                               "before anything is recorded")
    processes.launch(network.home, part, commands.command(network, part, tools), network.log(part))
    return True


def _end(network: FabricNetwork) -> list[str]:
    ended = []
    for group in ENDING:
        ended += processes.stop(network.home, getattr(network, group))
    return ended


def _most_run(network: FabricNetwork) -> bool:
    running = [part for part in network.orderers if processes.find(network.home, part) is not None]
    return 2 * len(running) > len(network.orderers)


def _tidy(home: Path) -> None:
    """What a killed `up` was writing when it ended."""
    for folder in (home, home / "run", home / "roots", home / "profiles", home / "config", home / "builder"):
        _remove(folder.glob(".new-*"))
    for folder in (home / "organisations", home / "config", home / "builder"):
        _remove(folder.rglob(".new-*"))


def _remove(paths: Iterator[Path]) -> None:
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Yield one up, down or reset at a time; the kernel lets go of the lock when its holder dies."""
    descriptor = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"another `sentrybox fabric` is at work on {home}",
                              hint="wait for it; fuser names it if it hangs") from None
        yield
    finally:
        os.close(descriptor)
