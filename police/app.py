"""The police organisation's process: the only place where its parts are wired together."""

import contextlib
import logging
import signal
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import get_args

from cloud.database import meta, site
from cloud.database.access import accounts_of
from cloud.database.engine import Database
from cloud.database.opening import connect
from cloud.database.telling import deliveries
from cloud.ledger.gateway.failures import SetupError
from cloud.ledger.gateway.profile import ConnectionProfile
from cloud.notify import links
from cloud.notify.apprise_channel import channels_from
from cloud.notify.dispatch import Desk, dispatch_once
from cloud.server import first_steps, serve
from cloud.worker import Drain
from contract.config import read_config
from contract.errors import Rejected
from contract.profile import Channel as AlertKind
from contract.version import VERSION
from police.acknowledge import acknowledge_once
from police.api.app import build_app
from police.api.services import Services
from police.campus import Campus
from police.channel import CHANNEL, Channel
from police.config import PoliceConfig
from police.database.schema import MIGRATIONS
from police.details import pull_once
from police.letter import letter
from police.link import ChannelLink
from police.listener import EventSource, Listener

log = logging.getLogger(__name__)

PAUSE_S = 1.0
WATCH_S = 5.0
"""Seconds between two looks at whether a peer of the channel answers."""


def run(config_path: Path) -> int:
    """Run until SIGTERM or SIGINT. Raises Rejected for a bad configuration, Unavailable when something is not there."""
    config = read_config(config_path, PoliceConfig)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        running = start(config, stack)
        print(f"police: ready, {running}", flush=True)
        stop.wait()
        log.info("stopping")
    return 0


def start(config: PoliceConfig, stack: contextlib.ExitStack) -> str:
    """Start listener, workers and pages; what they need is closed with `stack`. Returns where to look."""
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    channel = _channel(config, stack)
    campus = Campus(config.campus.url, config.campus.token_file, config.campus.ca)
    stack.callback(campus.close)
    database = connect(config.database_url(), MIGRATIONS)
    stack.callback(database.close)
    with database.write() as session:
        meta.ensure_epoch(session)
        site.configure(session, config.contacts.site(), site.keep)
        if database.is_sqlite:
            deliveries.take_over(session)
    link, key = ChannelLink(), links.key_from_file(config.home / "link.key")
    now = partial(datetime.now, UTC)
    alerts = Drain("alerts", (partial(dispatch_once, _desk(config, database, key)),), PAUSE_S)
    acknowledge = Drain("acknowledge", (partial(acknowledge_once, database, channel, now),), PAUSE_S)
    details = Drain("details", (partial(pull_once, database, campus, now),), PAUSE_S)
    watch = Drain("watch", (partial(channel.watch, link),), WATCH_S)
    listener = Listener(database, EventSource(config.campus.name, channel.events), link, alerts.wake)
    parts: dict[str, Listener | Drain] = {
        "listener": listener, "alerts": alerts, "acknowledge": acknowledge, "details": details, "watch": watch}
    for part in parts.values():
        part.start()
        stack.callback(part.stop)
    accounts = accounts_of(database)
    address = serve(build_app(Services(
        database=database,
        accounts=accounts,
        link=link.state,
        link_delivery=lambda token: links.check(token, time.time(), key),
        wake=details.wake,
        faults=lambda: [f"{name} has ended; start the process again" for name, part in parts.items()
                        if not part.alive()],
        site=config.site,
        version=VERSION,
    )), config.http, stack)
    return f"pages at {address}{first_steps(accounts, config.url, config.home)}"


def _channel(config: PoliceConfig, stack: contextlib.ExitStack) -> Channel:
    try:
        profile = ConnectionProfile.read(config.ledger.profile)
        channel = Channel(profile.gateway(), profile.identity(CHANNEL), profile.chaincode)
    except SetupError as error:
        raise Rejected(f"ledger: {error}", hint="sentrybox fabric up makes profiles/police.json; see docs/police.md"
                       ) from error
    stack.callback(channel.gateway.close)
    return channel


def _desk(config: PoliceConfig, database: Database, key: bytes) -> Desk:
    life = config.alerts.link_hours * 3600
    channels = channels_from(config.alert_urls())
    for name in get_args(AlertKind):
        if name not in channels:
            log.warning("no %s service is configured in [alerts]: such alerts will fail, and say so", name)
    return Desk(database, channels, partial(datetime.now, UTC),
                lambda delivery: f"{config.url}/a/{links.sign(delivery, int(time.time()) + life, key)}", letter)
