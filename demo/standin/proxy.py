"""An HTTPS proxy (CONNECT) that leads the providers' addresses to the stand-in, and refuses all others."""

import asyncio
import contextlib

HOSTS = ("api.twilio.com", "fcm.googleapis.com", "oauth2.googleapis.com")
HEAD_LIMIT = 16 * 1024
HEAD_SECONDS = 10.0


class Proxy:
    """Relays bytes of allowed connections to a TLS server on 127.0.0.1, which holds the certificate."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handles one client connection; the callback of asyncio.start_server."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            refusal = _refusal(head)
            if refusal:
                writer.write(refusal)
                await writer.drain()
                return
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away or does not speak HTTP: closing is the answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _refusal(head: bytes) -> bytes | None:
    """Return the answer to a request that is not `CONNECT <provider>:443`, or None when it is."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return _answer("400 Bad Request", "not an HTTP request")
    method, address, _ = words
    if method != "CONNECT":
        return _answer("405 Method Not Allowed", f"only CONNECT is served here, not {method}")
    host, _, port = address.rpartition(":")
    if host.lower() not in HOSTS or port != "443":
        return _answer("403 Forbidden", f"{address} is not one of {', '.join(HOSTS)} on port 443")
    return None


def _answer(status: str, text: str) -> bytes:
    body = f"stand-in proxy: {text}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    finally:
        with contextlib.suppress(OSError):
            writer.close()
