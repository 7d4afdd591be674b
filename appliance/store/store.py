"""The store of one box: its parts, made once and handed to each other."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.accounts import Accounts
from appliance.store import idempotency
from appliance.store.access import AccessTables
from appliance.store.bus import Bus, Listener
from appliance.store.chain import Chain
from appliance.store.clock import Clock
from appliance.store.connection import Connection, get_meta, set_meta
from appliance.store.feed import Feed
from appliance.store.files import Files
from appliance.store.gallery import Gallery
from appliance.store.incidents import Incidents
from appliance.store.limits import UPKEEP, Limits
from appliance.store.logs import Logs
from appliance.store.notices import Notices
from appliance.store.outbox import Outbox
from appliance.store.profiles import Profiles
from appliance.store.site import site_contacts, site_policy
from appliance.store.trail import Trail
from appliance.store.zones import Zones
from contract.chain import public_key_text
from contract.delivery import SiteContacts
from contract.errors import Conflict
from contract.events import Event
from contract.policy import Organisation, Policy
from contract.proof.document import Proof


class Store:
    """Made by `open_store`. Safe to use from several threads."""

    def __init__(self, home: Path, connection: Connection, bus: Bus, box: str, key: Ed25519PrivateKey,
                 clock: Clock) -> None:
        self.box = box
        self._home, self._connection, self._bus, self._clock = home, connection, bus, clock
        self.chain = Chain(connection, box, key)
        self.files = Files(connection, home, clock)
        self.outbox = Outbox(connection, box, self.chain, clock, self.files.expand)
        connection.reclaim = self.outbox.reclaim
        self.gallery = Gallery()
        self.profiles = Profiles(connection, self.outbox, self.gallery, clock)
        self.incidents = Incidents(connection, self.chain, self.outbox, self.files, box, clock)
        self.logs = Logs(connection, self.chain, self.outbox, box, clock)
        self.notices = Notices(connection, self.outbox, box, clock)
        self.zones = Zones(connection)
        tables = AccessTables(connection, clock)
        self.accounts = Accounts(tables, clock, tables.lock_clock)
        self.trail = Trail(connection)
        self.feed = Feed(connection, self.profiles, self.incidents, self.chain, self.outbox, clock)
        self.profiles.fill_gallery()

    def proof(self, record_id: str, organisation: Organisation | None) -> Proof:
        """Return the proof for a reader of this police organisation, None: of the site. Raises NotFound; Unavailable
        while the record is not anchored where this reader may look.
        """
        return self.chain.proof(record_id, organisation)

    def policy(self) -> Policy:
        """Return what the site has decided about who is told, as the cloud last said."""
        with self._connection.read() as db:
            return site_policy(db)

    def site(self) -> SiteContacts:
        """Return how the campus itself is reached, as the cloud last said."""
        with self._connection.read() as db:
            return site_contacts(db)

    def counts(self) -> dict[str, int]:
        """Return the numbers for /metrics."""
        with self._connection.read() as db:
            profiles, templates = db.execute("SELECT count(*), coalesce(sum(templates), 0) FROM profiles").fetchone()
            incidents = db.execute("SELECT count(*) FROM incidents").fetchone()[0]
            waiting = db.execute("SELECT count(*) FROM outbox WHERE open = 1").fetchone()[0]
            parked = db.execute("SELECT count(*) FROM outbox WHERE state = 'parked'").fetchone()[0]
            cursor = int(get_meta(db, "cursor", "0"))
        return {"profiles": profiles, "templates": templates, "incidents": incidents, "outbox_waiting": waiting,
                "outbox_parked": parked, "cursor": cursor, "disk_free_bytes": shutil.disk_usage(self._home).free}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each commit, from any thread; the result ends it."""
        return self._bus.subscribe(listener)

    def announce(self, event: Event) -> None:
        """Tell the listeners of something that is not a commit."""
        self._bus.publish([event])

    def tidy(self) -> None:
        """Do the upkeep of every few minutes: forget what is long confirmed, orphaned files, old keys; empty the log.
        """
        with self._connection.write(UPKEEP) as write:
            self.outbox.forget(write, self._connection.limits.keep_received_days)
            idempotency.forget(write, self._clock)
        self.files.tidy()
        self._connection.tidy()

    def close(self) -> None:
        """Close the memory; harmless when repeated."""
        self._connection.close()


def open_store(home: Path, *, box: str, key: Ed25519PrivateKey, read_only: bool = False,
               limits: Limits | None = None, clock: Clock = time.time) -> Store:
    """Open, or make, the memory of box `box` in the folder `home`.

    Raises Unavailable when another process has it open for writing (`read_only` is always possible), Conflict when it
    belongs to another box or key, Rejected when a newer program wrote it.
    """
    bus = Bus()
    connection = Connection(home, limits or Limits(), bus, read_only=read_only)
    try:
        _belongs(connection, box, public_key_text(key), read_only)
        return Store(home, connection, bus, box, key, clock)
    except BaseException:
        connection.close()
        raise


def _belongs(connection: Connection, box: str, public_key: str, read_only: bool) -> None:
    with connection.read() as db:
        owner = get_meta(db, "box"), get_meta(db, "public_key")
    if owner == ("", "") and not read_only:
        with connection.write(UPKEEP) as write:
            set_meta(write, "box", box)
            set_meta(write, "public_key", public_key)
    elif owner != (box, public_key):
        raise Conflict(f"this memory belongs to box {owner[0]!r} with key {owner[1][:16]}..., not to {box!r} with "
                       f"{public_key[:16]}...", hint="use the home and the key of that box, or an empty folder")
