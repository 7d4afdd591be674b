"""The state of a network now, in values and in lines for a person."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from cloud.ledger.fabric import health, lifecycle, processes
from cloud.ledger.fabric.programs import Programs
from cloud.ledger.fabric.settings import CHANNELS, FabricNetwork
from contract.errors import SentryboxError

# A partner's authority needs weeks, not hours, to answer.
SOON_DAYS = 30


class PartState(NamedTuple):
    """`problem` is "" when the part serves; `memory` is resident bytes."""

    part: str
    pid: int | None
    port: int
    memory: int
    problem: str


class ChannelState(NamedTuple):
    """`heights` maps each peer to its number of blocks; version "" and sequence 0 mean no chaincode."""

    channel: str
    heights: dict[str, int]
    version: str
    sequence: int
    problem: str


class CertificateState(NamedTuple):
    """The certificate of one organisation that ends first."""

    organisation: str
    path: Path
    days: int


class State(NamedTuple):
    parts: tuple[PartState, ...]
    channels: tuple[ChannelState, ...]
    certificates: tuple[CertificateState, ...]

    @property
    def well(self) -> bool:
        return (not any(part.problem for part in self.parts) and not any(each.problem for each in self.channels)
                and all(each.days > SOON_DAYS for each in self.certificates))


def read(network: FabricNetwork, programs: Programs) -> State:
    """Ask every part; changes nothing."""
    return State(tuple(_part(network, part) for part in network.parts),
                 tuple(_channel(network, programs, channel) for channel in CHANNELS),
                 tuple(_certificates(network)))


def lines(state: State) -> Iterator[str]:
    """Yield the state for a person, one line a thing; `!!` begins those that want somebody."""
    for part in state.parts:
        pid = f"pid {part.pid}" if part.pid else "no process"
        yield (f"{_sign(part.problem)}  {part.part:<17} {pid:<12} port {part.port:<6}"
               f" {part.memory / 1e6:4.0f} MB  {part.problem or 'healthy'}")
    for each in state.channels:
        seen = ", ".join(f"{peer} {height} blocks" for peer, height in each.heights.items())
        yield (f"{_sign(each.problem)}  channel {each.channel:<9} {seen or 'no peer holds it'}; chaincode version "
               f"{each.version or '-'} sequence {each.sequence or '-'}{'; ' + each.problem if each.problem else ''}")
    for found in state.certificates:
        yield (f"{'ok' if found.days > SOON_DAYS else '!!'}  certificates of {found.organisation}: "
               f"{found.days} days left ({found.path})")


def _part(network: FabricNetwork, part: str) -> PartState:
    process = processes.find(network.home, part)
    return PartState(part, process.pid if process else None, network.ports[part]["grpc"],
                     processes.memory(process) if process else 0, health.problem(network, part))


def _channel(network: FabricNetwork, programs: Programs, channel: str) -> ChannelState:
    heights = {part: height for part in network.peers
               if (height := health.heights(network, part).get(channel)) is not None}
    version, sequence, problem = "", 0, ""
    if len(heights) < len(network.peers):
        problem = "not every peer holds it"
    else:
        try:
            version, sequence = lifecycle.committed(network, programs, channel)
            problem = "" if sequence else "no chaincode is committed"
        except SentryboxError as error:
            problem = str(error)
    if not problem and not health.leaders(network, channel):
        problem = "no orderer leads it: nothing can be written"
    return ChannelState(channel, heights, version, sequence, problem)


def _certificates(network: FabricNetwork) -> Iterator[CertificateState]:
    now = datetime.now(UTC)
    for folder in sorted((network.home / "organisations").glob("*")):
        ends = {path: x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
                for pattern in ("*.pem", "nodes/*/msp/signcerts/*.pem", "nodes/*/tls/*.crt", "chaincode/*.crt",
                                "users/*/msp/signcerts/*.pem", "users/*/tls/*.crt")
                for path in folder.glob(pattern)}
        if ends:
            path = min(ends, key=lambda each: ends[each])
            yield CertificateState(folder.name, path.relative_to(network.home), (ends[path] - now).days)


def _sign(problem: str) -> str:
    return "!!" if problem else "ok"
