"""The worker's Unix socket: many clients, a reader and a writer thread for each.

A client that reads too slowly loses previews first, then its connection: cameras never wait for a client.
"""

import collections
import contextlib
import os
import socket
import struct
import threading
from pathlib import Path
from typing import Any, Callable, Deque, Dict, List, Tuple

from vision.wire import framing
from vision.wire.framing import Frame, FrameError

MAX_WAITING = 512
MAX_PREVIEWS = 4
MAX_CLIENTS = 32
SEND_TIMEOUT_S = 20.0


class Client:
    """One connection. `send` never blocks; it may be called from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: Deque[Tuple[int, bytes]] = collections.deque()
        self._changed = threading.Condition()
        self._closing = False

    def send(self, kind: int, fields: Dict[str, Any], blob: bytes = b"") -> None:
        """Queue a frame. A preview is dropped when several wait; a client with a full queue is let go."""
        data = framing.encode(kind, fields, blob)
        with self._changed:
            if self._closing:
                return
            previews = sum(1 for waiting, _ in self._waiting if waiting == framing.PREVIEW)
            if kind == framing.PREVIEW and previews >= MAX_PREVIEWS:
                return
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.clear()
                self._closing = True
            else:
                self._waiting.append((kind, data))
            self._changed.notify()

    def finish(self) -> None:
        """Close once everything queued is written."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def write_all(self) -> None:
        """Run the writer thread: return when the client is finished or does not read."""
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._closing)
                    if not self._waiting:
                        return
                    _, data = self._waiting.popleft()
                self._connection.sendall(data)
        except OSError:
            self.finish()
        finally:
            _shut(self._connection)

    def read(self) -> Frame:
        """Return the next frame. Raises FrameError, EOFError at the end, OSError."""
        return framing.read_frame(self._exactly)

    def discard(self) -> None:
        """Throw away what has come: closing with unread bytes would reset the connection and lose the answer."""
        try:
            while self._connection.recv(1 << 16, socket.MSG_DONTWAIT):
                pass
        except OSError:
            return

    def _exactly(self, count: int) -> bytes:
        parts, missing = [], count
        while missing:
            part = self._connection.recv(min(missing, 1 << 20))
            if not part:
                raise EOFError("the client closed the connection")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


class Server:
    """`greet(client)` sends the hello; `handle(client, frame)` answers through `client.send`, may raise FrameError.

    `gone(client)` is called once when a client has left.
    """

    def __init__(self, path: Path, greet: Callable[[Client], None], handle: Callable[[Client, Frame], None],
                 gone: Callable[[Client], None]) -> None:
        self._path = Path(path)
        self._greet = greet
        self._handle = handle
        self._gone = gone
        self._clients: List[Client] = []
        self._lock = threading.Lock()
        self._listener = _listen(self._path)

    def start(self) -> None:
        _thread(self._accept, ())

    def broadcast(self, kind: int, fields: Dict[str, Any]) -> None:
        """Send a frame to every client that is connected now."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.send(kind, fields)

    def close(self) -> None:
        _shut(self._listener)
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.finish()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                full = len(self._clients) >= MAX_CLIENTS
            if full:
                _shut(connection)
                continue
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_TIMEOUT_S))
            client = Client(connection)
            self._greet(client)
            with self._lock:
                self._clients.append(client)
            _thread(client.write_all, ())
            _thread(self._serve, (client,))

    def _serve(self, client: Client) -> None:
        try:
            while True:
                frame = client.read()
                if frame.kind not in framing.TO_WORKER:
                    raise FrameError(f"kind {frame.kind} is one that only the worker sends")
                self._handle(client, frame)
        except FrameError as error:
            client.send(framing.ERROR, {"reason": str(error)})
            client.discard()
        except (EOFError, OSError):
            pass
        finally:
            with self._lock:
                self._clients.remove(client)
            client.finish()
            self._gone(client)


def _listen(path: Path) -> socket.socket:
    """Return a listening socket with mode 0600 from its first moment; a stale one in its place is removed."""
    if path.is_socket():
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(8)
    return listener


def _timeval(seconds: float) -> bytes:
    return struct.pack("ll", int(seconds), 0)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _thread(target: Callable[..., None], arguments: Tuple[Any, ...]) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()
