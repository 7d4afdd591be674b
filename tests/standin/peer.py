"""One organisation's peer: its ledgers, its endorser, its link to the chaincode, and the Gateway it serves over TLS."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import grpc
from fabric_protos.common.common_pb2 import Block
from fabric_protos.gateway import gateway_pb2_grpc

from tests.standin import committer
from tests.standin.answers import Node
from tests.standin.chaincode import Link
from tests.standin.crypto import Signer
from tests.standin.endorser import SEQUENCE, Answer, Endorser
from tests.standin.gateway import LIMIT, Gateway
from tests.standin.ledger import Ledger
from tests.standin.orderer import Orderer
from tests.standin.policy import Channel
from tests.standin.proposal import Unpacked
from tests.standin.state import State, Value

# The limit's worth of calls that wait, and some to tell the next callers that there are too many.
THREADS = LIMIT + 12


class Place(NamedTuple):
    """Where a peer keeps and finds its things. node: nodes/peer0 of its organisation."""

    node: Path
    blocks: Path
    mspid: str


class Peer:
    def __init__(self, place: Place, link: Link, channels: dict[str, Channel], orderer: Orderer) -> None:
        self._place, self._link, self._channels, self._orderer = place, link, channels, orderer
        self._signer = Signer(place.mspid, place.node / "msp")
        self._server: grpc.Server | None = None
        self._threads: list[threading.Thread] = []
        self.others: list[Peer] = []
        self.ledgers: dict[str, Ledger] = {}
        self.node = Node(place.mspid, "127.0.0.1:0")

    @property
    def mspid(self) -> str:
        return self._place.mspid

    @property
    def alive(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        """Reads its block files, catches up with the orderer, and serves; the second time at the same address."""
        self.ledgers = {name: Ledger(self._file(name), _defined()) for name in self._channels}
        self._endorser = Endorser(self._signer, self._link, self._channels, self.ledgers)
        for name, ledger in self.ledgers.items():
            if not ledger.height:
                self._commit(name, self._orderer.chains[name].blocks[0])  # `peer channel join` with block 0
        server = grpc.server(
            ThreadPoolExecutor(THREADS, thread_name_prefix=self.mspid),
            options=(("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 100 << 20)),
        )
        gateway_pb2_grpc.add_GatewayServicer_to_server(Gateway(self, self._channels, self._orderer), server)
        tls = self._place.node / "tls"
        pair = ((tls / "server.key").read_bytes(), (tls / "server.crt").read_bytes())
        port = server.add_secure_port(self.node.address, grpc.ssl_server_credentials([pair]))
        self.node = Node(self.mspid, f"127.0.0.1:{port}")
        self._server = server
        self._threads = [
            threading.Thread(target=self._follow, args=(name, server), name=f"{self.mspid} {name}", daemon=True)
            for name in self._channels
        ]
        for thread in self._threads:
            thread.start()
        server.start()

    def kill(self) -> None:
        """Ends all calls at once; what is on disk stays."""
        server, self._server = self._server, None
        if server is None:
            return
        stopped = server.stop(grace=None)
        for ledger in self.ledgers.values():
            ledger.close()
        for thread in self._threads:
            thread.join()
        self._link.close()
        stopped.wait()

    def process(self, proposal: Unpacked) -> Answer:
        return self._endorser.process(proposal)

    def files(self) -> list[Path]:
        return [self._file(name) for name in self._channels]

    def _file(self, channel: str) -> Path:
        return self._place.blocks / f"{channel}.blocks"

    def _follow(self, channel: str, server: grpc.Server) -> None:
        chain, ledger = self._orderer.chains[channel], self.ledgers[channel]
        while self._server is server:
            with chain.grown:
                if not self._orderer.alive or len(chain.blocks) <= ledger.height:
                    chain.grown.wait(0.05)
                    continue
                block = chain.blocks[ledger.height]
            self._commit(channel, block)

    def _commit(self, channel: str, block: Block) -> None:
        copy = Block.FromString(block.SerializeToString())  # each peer writes its own verdict into it
        committer.commit(self._channels[channel], self.ledgers[channel], copy)


def _defined() -> State:
    """The state of a channel on which the chaincode's definition was committed with block 0."""
    return State({SEQUENCE: Value(b"\x08\x01", 0, 0)}, {})
