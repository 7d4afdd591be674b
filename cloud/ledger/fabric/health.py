"""The health of the parts by their own word: health, heights and leaders, from their operations ports."""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from cloud.ledger.fabric import processes
from cloud.ledger.fabric.settings import FabricNetwork
from contract.errors import Unavailable

ASK_S = 2.0
# Opening large ledgers takes a peer seconds, not minutes; a state database rebuilt from its blocks takes longer and
# says so in the log.
SERVE_S = 60.0
# An election takes ten ticks of 100 ms, twice when votes are split.
LEADER_S = 30.0
_METRIC = re.compile(r'^(\w+)\{[^}]*channel="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE)


def problem(network: FabricNetwork, part: str) -> str:
    """Return why the part does not serve, or "" when it does."""
    if processes.find(network.home, part) is None:
        return "not running"
    try:
        if part not in network.chaincodes:
            status, body = _get(network.address(part, "operations"), "/healthz")
            if status != 200:
                return f"says {status} {body.strip()[:200]}"
        # A peer says OK there before it has opened its ledgers; its gRPC port answers after that.
        return _grpc(network, part)
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer: {error}"


def heights(network: FabricNetwork, part: str) -> dict[str, int]:
    """Return the blocks by channel that this peer or orderer holds; empty when it does not answer."""
    return {channel: int(value) for channel, value in metric(network, part, "ledger_blockchain_height").items()}


def leaders(network: FabricNetwork, channel: str) -> list[str]:
    """Return the orderers that say they lead this channel: one, or none during an election."""
    return [part for part in network.orderers
            if metric(network, part, "consensus_etcdraft_is_leader").get(channel) == 1]


def metric(network: FabricNetwork, part: str, name: str) -> dict[str, float]:
    """Return a gauge by channel, from /metrics; empty when the part does not answer."""
    try:
        _, body = _get(network.address(part, "operations"), "/metrics")
    except (OSError, http.client.HTTPException):
        return {}
    return {channel: float(value) for found, channel, value in _METRIC.findall(body) if found == name}


def wait_serving(network: FabricNetwork, part: str) -> None:
    """Return when the part serves. Raises Unavailable with the end of its log when it ends, or after SERVE_S."""
    deadline = time.monotonic() + SERVE_S
    while why := problem(network, part):
        if why == "not running" or time.monotonic() > deadline:
            said = "ended by itself" if why == "not running" else f"does not serve after {SERVE_S:.0f} s: {why}"
            raise Unavailable(f"{part} {said}", hint=processes.tail(network.log(part)))
        time.sleep(0.03)


def wait_leader(network: FabricNetwork, channel: str) -> None:
    """Return when an orderer leads the channel. Raises Unavailable after LEADER_S."""
    wait(lambda: bool(leaders(network, channel)), LEADER_S, f"no orderer leads channel {channel}",
         network.log(network.orderers[0]))


def wait(done: Callable[[], bool], seconds: float, otherwise: str, log: Path) -> None:
    """Return when done() is true. Raises Unavailable with `otherwise` and the end of the log after so many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise Unavailable(f"{otherwise} after {seconds:.0f} s", hint=processes.tail(log))
        time.sleep(0.05)


def _get(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=ASK_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _grpc(network: FabricNetwork, part: str) -> str:
    """Shake hands as a client would; to a chaincode with the certificate of its organisation's peer."""
    if part in network.chaincodes:
        folder = network.organisation(part.removeprefix("chaincode-")) / "chaincode"
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
    else:
        context = ssl.create_default_context(cafile=network.node(part) / "tls" / "ca.crt")
    context.set_alpn_protocols(["h2"])
    host, port = network.address(part).split(":")
    with socket.create_connection((host, int(port)), timeout=ASK_S) as plain, \
            context.wrap_socket(plain, server_hostname=host) as link:
        # A server that refuses our certificate says so only now; one that takes it sends its HTTP/2 settings.
        return "" if link.recv(9) else "closes the connection"
