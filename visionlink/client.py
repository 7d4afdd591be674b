"""One connection to a vision worker: requests with answers, and a stream of what its cameras see (asyncio)."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contract.embedding import EmbeddingSpace
from contract.errors import NotFound, Rejected, SentryboxError, Unavailable
from contract.ids import new_id
from contract.observation import Observation
from vision.wire import framing

log = logging.getLogger(__name__)

STILL_TIMEOUT_S = 20.0
Message = tuple[int, dict[str, Any], bytes]


class VisionClient:
    """`on_message(kind, fields, blob)` is called in the event loop for everything that is not an answer."""

    def __init__(self, socket: Path, on_message: Callable[[int, dict[str, Any], bytes], None]) -> None:
        self._socket = socket
        self._on_message = on_message
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self.hello: dict[str, Any] = {}

    @property
    def connected(self) -> bool:
        return self._writer is not None and bool(self.hello)

    async def run(self) -> None:
        """Connect and read until the worker hangs up. Raises Unavailable when it cannot be reached or says nonsense."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError as error:
            raise Unavailable(f"the vision worker does not answer on {self._socket}: {error.strerror}") from error
        self._writer = writer
        try:
            await self._send(framing.HELLO, {"client": "box"}, b"")
            while True:
                kind, fields, blob = await _read(reader)
                self._take(kind, fields, blob)
        except (asyncio.IncompleteReadError, ConnectionError, framing.FrameError) as error:
            raise Unavailable(f"the connection to the vision worker ended: {error}") from error
        finally:
            self._writer, self.hello = None, {}
            writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Unavailable("the vision worker ended while it was working on this"))
            self._waiting.clear()

    def _take(self, kind: int, fields: dict[str, Any], blob: bytes) -> None:
        if kind == framing.WORKER_HELLO:
            self.hello = fields
        future = self._waiting.pop(str(fields.get("id")), None) if kind in (framing.FACES, framing.PICTURE) else None
        if future is not None and not future.done():
            future.set_result((kind, fields, blob))
            return
        try:
            self._on_message(kind, fields, blob)
        except SentryboxError as error:
            log.warning("a message of the vision worker was not taken: %s", error)

    async def ask(self, kind: int, fields: dict[str, Any], blob: bytes = b"", *,
                  timeout: float = STILL_TIMEOUT_S) -> Message:
        """Send a request and wait for its answer.

        Raises Unavailable (worker away, no answer in time), NotFound (unknown camera), Rejected (what the worker
        refuses; its code is the hint).
        """
        request = new_id()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[request] = future
        try:
            await self._send(kind, {"id": request, **fields}, blob)
            async with asyncio.timeout(timeout):
                answer = await future
        except TimeoutError as error:
            raise Unavailable(f"the vision worker gave no answer within {timeout:.0f} s") from error
        finally:
            self._waiting.pop(request, None)
        refused = answer[1].get("error")
        if refused:
            raise _refusal(str(refused.get("code", "")), str(refused.get("detail", "")))
        return answer

    async def tell(self, kind: int, fields: dict[str, Any]) -> None:
        """Send a message that has no answer."""
        await self._send(kind, fields, b"")

    async def _send(self, kind: int, fields: dict[str, Any], blob: bytes) -> None:
        if self._writer is None:
            raise Unavailable("the vision worker is not running")
        try:
            self._writer.write(framing.encode(kind, fields, blob))
            await self._writer.drain()
        except ConnectionError as error:
            raise Unavailable(f"the vision worker went away: {error}") from error


async def _read(reader: asyncio.StreamReader) -> Message:
    header = await reader.readexactly(framing.HEADER_SIZE)
    kind, json_length, blob_length = framing.decode_header(header)
    text = await reader.readexactly(json_length)
    blob = await reader.readexactly(blob_length) if blob_length else b""
    return kind, framing.decode_fields(text), blob


def _refusal(code: str, detail: str) -> SentryboxError:
    if code in ("model_missing", "internal"):
        return Unavailable(detail)
    if code == "unknown_camera":
        return NotFound(detail)
    return Rejected(detail, hint=code)


def read_space(fields: dict[str, Any]) -> EmbeddingSpace | None:
    """Reads from a worker's hello how its embeddings are compared; None: it has no model pack yet.

    Raises Rejected naming the field that does not fit.
    """
    if not fields.get("pack"):
        return None
    try:
        return EmbeddingSpace.model_validate({
            "pack": fields["pack"], "size": fields.get("embedding_size"), "metric": fields.get("metric"),
            "thresholds": fields.get("thresholds")})
    except ValidationError as error:
        raise _misfit("hello", error) from error


def read_observation(fields: dict[str, Any]) -> Observation:
    """Validate an observation. Raises Rejected naming the field that does not fit."""
    try:
        return Observation(**fields)
    except ValidationError as error:
        raise _misfit("observation", error) from error


def _misfit(message: str, error: ValidationError) -> Rejected:
    first = error.errors(include_url=False, include_input=False)[0]
    return Rejected(f"{message}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
