"""The peer's side of chaincode as a service: dials the real chaincode process and serves what it asks of the state.

Protocol: fabric-protos peer/chaincode_shim.proto, service protos.Chaincode, over mutual TLS; the peer is the client.
"""

import threading
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from queue import SimpleQueue

import grpc
from fabric_protos.peer.chaincode_pb2 import ChaincodeID
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage
from fabric_protos.peer.chaincode_shim_pb2_grpc import ChaincodeStub
from google.protobuf.message import DecodeError

from tests.standin.requests import Running

M = ChaincodeMessage
TERMINATED = "chaincode stream terminated"


class ChaincodeFailed(Exception):
    """The chaincode could not be reached or did not answer; the text is the peer's."""


class Stream:
    """One connection to a chaincode process, from the dial to the end of the stream."""

    def __init__(self, address: str, package: str, credentials: grpc.ChannelCredentials) -> None:
        self.ready: Future[None] = Future()
        self.ended = False
        self._package, self._address = package, address
        self._out: SimpleQueue[M | None] = SimpleQueue()
        self._running: dict[tuple[str, str], Running] = {}
        self._lock = threading.Lock()
        self._channel = grpc.secure_channel(address, credentials)
        self._call = ChaincodeStub(self._channel).Connect(iter(self._out.get, None))
        threading.Thread(target=self._read, name=f"chaincode {address}", daemon=True).start()

    def execute(self, message: M, running: Running, seconds: float) -> M:
        """Sends a TRANSACTION and waits for COMPLETED or ERROR. Raises ChaincodeFailed."""
        key = (message.channel_id, message.txid)
        with self._lock:
            if self.ended:
                raise ChaincodeFailed(f"error sending: {TERMINATED}")
            if key in self._running:
                raise ChaincodeFailed(f"txid: {message.txid}({message.channel_id}) exists")
            self._running[key] = running
        self._out.put(message)
        try:
            return running.answer.result(seconds)
        except FutureTimeout:
            raise ChaincodeFailed("error sending: timeout expired while executing transaction") from None
        finally:
            with self._lock:
                del self._running[key]

    def close(self) -> None:
        self._call.cancel()
        self._channel.close()

    def _read(self) -> None:
        why = "the stream was closed"
        try:
            for message in self._call:
                self._handle(message)
        except (grpc.RpcError, DecodeError, ValueError) as error:
            why = error.details() if isinstance(error, grpc.Call) else str(error)
        with self._lock:
            self.ended = True
            waiting = list(self._running.values())
        if not self.ready.done():
            self.ready.set_exception(ChaincodeFailed(why))
        for running in waiting:
            running.fail(ChaincodeFailed(f"error sending: {TERMINATED}"))
        self._out.put(None)

    def _handle(self, message: M) -> None:
        """Raises ValueError where the chaincode breaks the protocol: that ends the stream, as at a peer."""
        if message.type == M.KEEPALIVE:
            return
        if not self.ready.done():
            if message.type != M.REGISTER:
                raise ValueError(f"cannot handle message ({M.Type.Name(message.type)}) while in created state")
            self._out.put(M(type=M.REGISTERED))
            self._out.put(M(type=M.READY))
            # A peer waits for the package id it asked for; what registers under another name is never used.
            if ChaincodeID.FromString(message.payload).name == self._package:
                self.ready.set_result(None)
            return
        running = self._running.get((message.channel_id, message.txid))
        if message.type in (M.COMPLETED, M.ERROR):
            if running is not None:
                try:
                    running.answer.set_result(message)
                except InvalidStateError:
                    raise ValueError(f"a second end of transaction {message.txid}") from None
            return
        if message.type not in Running.SERVED:
            raise ValueError(f"cannot handle message ({M.Type.Name(message.type)}) while in ready state")
        self._out.put(Running.without_context(message) if running is None else running.serve(message))


class Link:
    """A peer's use of its chaincode: connects when first needed and again after the process died."""

    def __init__(self, address: str, package: str, tls: Path, *, start_s: float, execute_s: float) -> None:
        self.package, self.address = package, address
        self._tls, self._start_s, self._execute_s = tls, start_s, execute_s
        self._lock = threading.Lock()
        self._stream: Stream | None = None

    def execute(self, message: M, running: Running) -> M:
        """Raises ChaincodeFailed in the peer's words."""
        stream = self._connected()
        try:
            return stream.execute(message, running, self._execute_s)
        except ChaincodeFailed as failed:
            raise ChaincodeFailed(str(failed)) from None

    def close(self) -> None:
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _connected(self) -> Stream:
        with self._lock:
            if self._stream is None or self._stream.ended:
                self._stream = Stream(self.address, self.package, self._credentials())
            stream = self._stream
        launching = f"could not launch chaincode {self.package}: "
        try:
            stream.ready.result(self._start_s)
        except FutureTimeout:
            self._forget(stream)
            raise ChaincodeFailed(
                f"{launching}timeout expired while starting chaincode {self.package} for transaction"
            ) from None
        except ChaincodeFailed as failed:
            self._forget(stream)
            raise ChaincodeFailed(
                f"{launching}connection to {self.package} failed: error cannot create connection for {self.package}: "
                f"error creating grpc connection to {self.address}: failed to create new connection: "
                f'connection error: desc = "transport: error while dialing: {self._dialled(failed)}"'
            ) from None
        return stream

    def _dialled(self, failed: ChaincodeFailed) -> str:
        """In Go's words where nobody listened."""
        if "Connection refused" in str(failed):
            return f"dial tcp {self.address}: connect: connection refused"
        return str(failed)

    def _forget(self, stream: Stream) -> None:
        with self._lock:
            if self._stream is stream:
                self._stream = None
        stream.close()

    def _credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            (self._tls / "ca.crt").read_bytes(),
            (self._tls / "client.key").read_bytes(),
            (self._tls / "client.crt").read_bytes(),
        )
