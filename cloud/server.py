"""Serves a web application beside the other parts of a process, and hands out the link for its first account."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from access.accounts import Accounts
from cloud.config import HttpSettings
from contract.errors import Unavailable

STOP_S = 5


def serve(app: FastAPI, http: HttpSettings, stack: contextlib.ExitStack) -> str:
    """Serve until `stack` closes; return the address. Raises Unavailable when it cannot be listened on."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ssl_certfile=http.certificate,
            ssl_keyfile=http.key,
            timeout_graceful_shutdown=STOP_S,
            server_header=False,
        )
    )
    listening = _listen(http.host, http.port)
    # In a thread of its own, so that the signals stay with the main thread, which stops the parts in order.
    thread = threading.Thread(target=server.run, args=([listening],), name="pages", daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join()

    stack.callback(stop)
    while not server.started:
        if not thread.is_alive():
            raise Unavailable("the pages could not be started", hint="the log says why")
        time.sleep(0.01)
    scheme = "http" if http.certificate is None else "https"
    return f"{scheme}://{http.host}:{listening.getsockname()[1]}"


def first_steps(accounts: Accounts, url: str, home: Path) -> str:
    """Return what the ready line says of the first account, whose link is also kept in home/first-link; "" once there
    is one.
    """
    if accounts.any():
        return ""
    link = f"{url}/first?secret={accounts.first_link()}"
    path = home / "first-link"
    path.touch(mode=0o600)
    path.write_text(link + "\n", encoding="utf-8")
    return f", make the first account at {link}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise Unavailable(
            f"http: {host}:{port} cannot be listened on: {error.strerror}",
            hint="choose another port, or stop what uses it",
        ) from error
