"""The cloud's processes: the only place where their parts are wired together."""

import contextlib
import logging
import signal
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from cloud.admin.app import build_app
from cloud.admin.services import ReadFaces, Services, no_space, no_vision
from cloud.ca import Authority
from cloud.claim import claim, create_code
from cloud.config import CloudConfig, LedgerSettings
from cloud.database import boxes, meta, site
from cloud.database.access import accounts_of
from cloud.database.engine import Database
from cloud.database.ledger.pins import GenesisPins
from cloud.database.opening import connect
from cloud.database.people.profiles import ProfileTable
from cloud.ingest.bodies import Setting
from cloud.ingest.service import BrokerLink, Ingest
from cloud.ledger.anchoring import Anchoring, anchor_batch, anchor_urgent, resume
from cloud.ledger.audit.opening import open_books
from cloud.ledger.audit.schedule import Schedule, audit_due
from cloud.ledger.embedded import EmbeddedLedger
from cloud.ledger.fabric_ledger import FabricLedger
from cloud.notify import links
from cloud.notify.apprise_channel import channels_from
from cloud.notify.dispatch import Desk, dispatch_once, note_untold
from cloud.notify.letter import letter
from cloud.notify.police import tell_police
from cloud.server import first_steps, serve
from cloud.vision import EnrolmentVision
from cloud.worker import Drain, Round
from contract.claim import BrokerAddress, ClaimRequest
from contract.config import read_config
from contract.embedding import SpaceOf
from contract.errors import Rejected, Unavailable
from contract.ledger import GENERAL
from contract.policy import Policy
from contract.ports import Ledger
from contract.profile import Channel
from contract.version import VERSION

log = logging.getLogger(__name__)

Part = Literal["ingest", "worker", "admin"]
PARTS: tuple[Part, ...] = ("ingest", "worker", "admin")
PAUSE_S = 1.0
AUDIT_PAUSE_S = 60.0


def run(config_path: Path, parts: tuple[Part, ...] = PARTS) -> int:
    """Run these parts until SIGTERM or SIGINT.

    Raises Rejected for a bad configuration, Unavailable when something it needs is not there.
    """
    config = read_config(config_path, CloudConfig)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        vision = EnrolmentVision(config.vision.models, config.vision.python)
        stack.callback(vision.close)
        running = start(config, parts, stack, lambda image: vision.read(image, "enrol").faces, vision.space_of)
        print(f"cloud: ready ({', '.join(parts)}){running}", flush=True)
        stop.wait()
        log.info("stopping")
    return 0


def start(
    config: CloudConfig,
    parts: tuple[Part, ...],
    stack: contextlib.ExitStack,
    read_faces: ReadFaces = no_vision,
    space_of: SpaceOf = no_space,
) -> str:
    """Start the parts; what they need is closed with `stack`, in the right order. Returns where to look."""
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    url = config.database_url()
    if url.startswith("sqlite:") and set(parts) != set(PARTS):
        raise Rejected(
            "database.url is SQLite, which one process has for itself",
            hint="leave --part out, or name a PostgreSQL database",
        )
    database = connect(url)
    stack.callback(database.close)
    with database.write() as session:
        meta.ensure_epoch(session)
        site.configure(session, config.contacts.site())
        site.configure_policy(session, config.policy.policy())
    if set(parts) == {"ingest"}:
        _ingest(config, database, (), stack)
        return ""
    ledger = stack.enter_context(contextlib.closing(_ledger(config, database)))
    drains = _workers(config, database, ledger, stack) if "worker" in parts else ()
    if "ingest" in parts:
        _ingest(config, database, drains, stack)
    return _admin(config, database, ledger, read_faces, space_of, stack) if "admin" in parts else ""


def _ledger(config: CloudConfig, database: Database) -> EmbeddedLedger | FabricLedger:
    settings, channels = config.ledger, config.policy.policy().channels
    if settings.profile is None:
        return EmbeddedLedger(config.home, channels=channels)
    roots = settings.roots or settings.profile.parent.parent / "roots"
    ledger = FabricLedger(settings.profile, roots, GenesisPins(database), channels)
    for channel in channels:
        try:
            ledger.check(channel)
        except Unavailable as error:
            # Nothing is lost: the records wait for it.
            log.error("%s", error)
    return ledger


def _workers(
    config: CloudConfig, database: Database, ledger: Ledger, stack: contextlib.ExitStack
) -> tuple[Drain, ...]:
    key = links.key_from_file(config.home / "link.key")
    life = config.alerts.link_hours * 3600

    def link_for(delivery: str) -> str:
        return f"{config.url}/a/{links.sign(delivery, int(time.time()) + life, key)}"

    channels = channels_from(config.alert_urls())
    for name in get_args(Channel):
        if name not in channels:
            log.warning("no %s service is configured in [alerts]: such alerts will fail, and say so", name)
    desk = Desk(database, channels, lambda: datetime.now(UTC), link_for, letter)
    # Each apart, because a channel or a provider that hangs must not keep the others.
    drains = (
        *(Drain(name, rounds, PAUSE_S) for name, rounds in
          anchoring_rounds(config.ledger, config.policy.policy(), database, ledger).items()),
        Drain("alerts", (lambda: dispatch_once(desk), lambda: note_untold(desk)), PAUSE_S),
    )
    ending = threading.Event()
    books = partial(open_books, config.home, config.ledger.profile)
    audits = Schedule(database, books, config.ledger.audit_hours, config.ledger.patience_s(), ending.is_set)
    for drain in (*drains, Drain("ledger audit", (partial(audit_due, audits),), AUDIT_PAUSE_S)):
        drain.start()
        stack.callback(drain.stop)
    stack.callback(ending.set)
    return drains


def anchoring_rounds(settings: LedgerSettings, policy: Policy, database: Database, ledger: Ledger
                     ) -> dict[str, tuple[Round, ...]]:
    """Return what each of the threads does that put records on the ledger, by the thread's name."""
    work = Anchoring(database, ledger, settings.batch_size, settings.batch_seconds)
    rounds: dict[str, tuple[Round, ...]] = {
        f"{channel} ledger": (partial(resume, work, channel), partial(anchor_urgent, work, channel))
        for channel in policy.channels}
    if settings.kind == "embedded":
        # On Fabric a police organisation's own listener tells its people.
        for organisation in policy.organisations:
            rounds[f"{organisation} ledger"] += (partial(tell_police, database, ledger, organisation),)
    return {**rounds, "ledger batches": (partial(anchor_batch, work, GENERAL),)}


def _ingest(
    config: CloudConfig, database: Database, drains: tuple[Drain, ...], stack: contextlib.ExitStack
) -> Ingest:
    broker = config.broker
    for path in (broker.ca, broker.certificate, broker.key):
        if not path.is_file():
            raise Rejected(f"broker: there is no file {path}", hint="the site authority makes it: see docs")
    setting = Setting(config.home / "files", config.policy.policy())

    def wake() -> None:
        for drain in drains:
            drain.wake()

    ingest = Ingest(
        database,
        setting,
        BrokerLink(broker.host, broker.port, broker.ca, broker.certificate, broker.key),
        wake,
    )
    ingest.start()
    stack.callback(ingest.stop)
    return ingest


def _admin(
    config: CloudConfig,
    database: Database,
    ledger: Ledger,
    read_faces: ReadFaces,
    space_of: SpaceOf,
    stack: contextlib.ExitStack,
) -> str:
    authority = Authority(config.authority or config.home / "authority")
    key = links.key_from_file(config.home / "link.key")
    accounts = accounts_of(database)
    services = Services(
        database=database,
        accounts=accounts,
        profiles=ProfileTable(database),
        ledger=ledger,
        files=config.home / "files",
        link_delivery=lambda token: links.check(token, time.time(), key),
        make_code=partial(_make_code, database),
        claim=partial(_claim, config, database, authority),
        revoke=partial(_revoke, database, authority),
        read_faces=read_faces,
        space_of=space_of,
        policy=config.policy.policy(),
        site=config.site,
        version=VERSION,
    )
    address = serve(build_app(services), config.http, stack)
    return f", pages at {address}{first_steps(accounts, config.url, config.home)}"


def _make_code(database: Database, by: str) -> str:
    with database.write() as session:
        return create_code(session, by)


def _claim(
    config: CloudConfig, database: Database, authority: Authority, fields: dict[str, str]
) -> dict[str, Any]:
    try:
        request = ClaimRequest.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Rejected(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    host, port = config.broker_address()
    return claim(database, authority, request, BrokerAddress(host=host, port=port), config.site).model_dump()


def _revoke(database: Database, authority: Authority, box: str, by: str) -> None:
    with database.write() as session:
        serial = boxes.revoke(session, box, by)
    if serial:
        authority.revoke(serial)
