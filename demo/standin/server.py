"""Wires the stand-in: one process with an HTTPS server, a proxy, a mail server and a plain page."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from demo.standin import certificates, credentials, google, mail, pages, proxy, settings, twilio
from demo.standin.arrivals import Arrivals
from demo.standin.faults import Faults
from demo.standin.settings import FcmProject, MailAccount, Settings

START_POLL = 0.02


class StandinServer(uvicorn.Server):
    """uvicorn's server without its signal handlers: the caller decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    home: Path, page_port: int, https_port: int, stop: asyncio.Event, on_ready: Callable[[Settings, Path], None]
) -> None:
    """Runs until `stop` is set. A port of 0 means the one used before in this home where it is free, or any."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    accounts = credentials.open_accounts(home)
    context = certificates.server_context(home, proxy.HOSTS)
    before = _ports_before(home)
    sockets = {
        "page": listen(page_port or before.get("page", 0)),
        "https": listen(https_port or before.get("https", 0)),
        "proxy": listen(before.get("proxy", 0)),
        "smtp": listen(before.get("smtp", 0)),
    }
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
    arrivals, faults = Arrivals(), Faults()
    common = pages.router(arrivals, faults, accounts.control_token)
    page_app, provider_app = _app(), _app()
    page_app.include_router(common)
    provider_app.include_router(common)
    provider_app.include_router(twilio.router(accounts.twilio, arrivals, faults))
    key = credentials.service_account_key(home)
    provider_app.include_router(google.router(accounts, key, arrivals, faults))
    mailbox = mail.Mailbox(accounts, arrivals, faults)
    loop = asyncio.get_running_loop()
    smtp_server = await loop.create_server(lambda: mail.protocol(mailbox, context, loop), sock=sockets["smtp"])
    relay = proxy.Proxy(ports["https"])
    proxy_server = await asyncio.start_server(relay.serve, sock=sockets["proxy"], limit=proxy.HEAD_LIMIT)
    web = [_server(page_app, None), _server(provider_app, context)]
    running = [
        asyncio.create_task(server.serve(sockets=[sock]))
        for server, sock in zip(web, (sockets["page"], sockets["https"]), strict=True)
    ]
    while not all(server.started for server in web):
        await asyncio.sleep(START_POLL)
    current = _settings(home.resolve(), ports, accounts)
    on_ready(current, settings.write(home, current))
    await stop.wait()
    smtp_server.close()
    proxy_server.close()
    for server in web:
        server.should_exit = server.force_exit = True
    await asyncio.gather(*running)


def listen(preferred: int) -> socket.socket:
    """Return a bound socket on 127.0.0.1: the preferred port, or any free one when it is taken or 0."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", preferred))
    except OSError:
        sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    return sock


def _app() -> FastAPI:
    app = FastAPI(title="Sentrybox stand-in", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", *proxy.HOSTS])
    return app


def _server(app: FastAPI, context: ssl.SSLContext | None) -> StandinServer:
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=15)
    config.load()
    config.ssl = context
    return StandinServer(config)


def _settings(home: Path, ports: dict[str, int], accounts: credentials.ProviderAccounts) -> Settings:
    return Settings(
        page_url=f"http://127.0.0.1:{ports['page']}",
        https_url=f"https://127.0.0.1:{ports['https']}",
        proxy_url=f"http://127.0.0.1:{ports['proxy']}",
        ca_file=str(home / certificates.CA_FILE),
        control_token=accounts.control_token,
        twilio=accounts.twilio,
        fcm=FcmProject(credentials.PROJECT, str(home / credentials.KEY_FILE)),
        mail=MailAccount("127.0.0.1", ports["smtp"], accounts.mail_user, accounts.mail_password),
        devices=accounts.devices,
    )


def _ports_before(home: Path) -> dict[str, int]:
    try:
        last = settings.read(home)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    urls = {"page": last.page_url, "https": last.https_url, "proxy": last.proxy_url}
    return {name: int(url.rsplit(":", 1)[1]) for name, url in urls.items()} | {"smtp": last.mail.port}
