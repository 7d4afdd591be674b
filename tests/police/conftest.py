"""The police's process in parts: its database, its web application, a campus that releases, and a scripted channel."""

import json
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from cloud.database import meta, site
from cloud.database.access import accounts_of
from cloud.database.engine import Database
from cloud.database.opening import connect
from cloud.ledger.embedded import EmbeddedLedger
from cloud.ledger.gateway.events import BlockEnd, ChannelEvent, Checkpoint
from cloud.notify.links import check, sign
from contract.chain import GENESIS, Entry, commitment, new_salt, public_key_text, sign_entry
from contract.delivery import SiteContacts
from contract.ids import new_id
from contract.incident import Incident, Involved
from contract.ledger import LedgerRecord
from contract.moments import now
from contract.profile import Contact
from contract.proof.document import Proof
from contract.proof.release import Released
from police.api.app import build_app
from police.api.services import Services
from police.database import entries
from police.database.entries import SeenRecord
from police.database.schema import MIGRATIONS
from police.link import ChannelLink

LINK_KEY = bytes(range(32))
BASE = "https://police.test"
POLICE = Contact(channel="sms", address="+4915100000110")
WAIT_S = 20.0


class ScriptedChannel:
    """Events as a test writes them. A stream begins after the checkpoint, as the real one does, and is endless."""

    def __init__(self, genesis: str = "aa" * 32) -> None:
        self.genesis = genesis
        self.events: list[ChannelEvent] = []
        self.opened: list[Checkpoint | None] = []
        self.faults: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.more = threading.Condition()

    def write(self, name: str = "recorded", *, payload: bytes | None = None, severity: str = "critical",
              record_id: str | None = None, same_block: bool = False) -> str:
        """Another transaction; returns the record's id."""
        record_id = record_id or new_id()
        number = len(self.events)
        block = self.events[-1].block if same_block else number + 1
        transaction = f"{number:064x}"
        stored = {"commitment": "ab" * 32, "id": record_id, "msp": "CampusSecMSP", "schema_version": 1,
                  "severity": severity, "transaction": transaction}
        with self.more:
            self.events.append(ChannelEvent(block, transaction, name, payload or json.dumps(stored).encode(),
                                            Checkpoint(self.genesis, block, transaction)))
            self.more.notify_all()
        return record_id

    def open(self, checkpoint: Checkpoint | None) -> "ScriptedStream":
        self.opened.append(checkpoint)
        return ScriptedStream(self, checkpoint)


class ScriptedStream:
    def __init__(self, channel: ScriptedChannel, checkpoint: Checkpoint | None) -> None:
        self._channel, self._closed = channel, False
        ids = [event.transaction for event in channel.events]
        self._next = 0 if checkpoint is None else ids.index(checkpoint.transaction) + 1

    def __iter__(self) -> Iterator[ChannelEvent | BlockEnd]:
        while not self._closed:
            if not self._channel.faults.empty():
                raise self._channel.faults.get()
            with self._channel.more:
                if self._next == len(self._channel.events):
                    self._channel.more.wait(0.05)
                    continue
                event = self._channel.events[self._next]
            self._next += 1
            yield event
            yield BlockEnd(event.block, Checkpoint(self._channel.genesis, event.block + 1))

    def close(self) -> None:
        self._closed = True


class ReleasingCampus:
    """A campus with one box and a ledger of its own: real proofs of made-up incidents."""

    def __init__(self, home) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.ledger = EmbeddedLedger(home / "campus")
        self.answers: dict[str, Released | Exception] = {}
        self.asked: list[str] = []

    def incident(self, **fields) -> tuple[Incident, Released, LedgerRecord]:
        """An incident, what the campus would release of it, and what of it is on the ledger."""
        person = new_id()
        incident = Incident(**{"id": new_id(), "device": "roof-box", "sequence": 1, "kind": "intrusion",
                               "severity": "critical", "at": now(), "location": "Roof, block C",
                               "people": (Involved(person=person, part="victim", confidence=0.93),),
                               "description": "Past the <b>railing</b>", **fields})
        salt = new_salt()
        entry = Entry(device="roof-box", sequence=1, previous=GENESIS, record_type="incident", record_id=incident.id,
                      commitment=commitment(incident, salt), at=incident.at)
        record = LedgerRecord(id=incident.id, commitment=entry.hash(), severity=incident.severity)
        anchor = self.ledger.commit(self.ledger.prepare("police", (record,)))
        proof = Proof(record=incident, salt=salt, entry=sign_entry(entry, self.key),
                      box_key=public_key_text(self.key), inclusions=self.ledger.prove(anchor, (record,)))
        return incident, Released(proof=proof, names={person: "Anna Example"}, released_at=now()), record

    def released(self, record: str) -> Released:
        self.asked.append(record)
        answer = self.answers[record]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Station:
    """The police's web application, with a client per role."""

    def __init__(self, database: Database) -> None:
        self.database, self.accounts, self.link = database, accounts_of(database), ChannelLink()
        self.link.answered(7)
        self.faults: list[str] = []
        self.woken = 0
        self.time = datetime.now(UTC).timestamp()
        self.app = build_app(Services(
            database=database, accounts=self.accounts, link=self.link.state,
            link_delivery=lambda token: check(token, self.time, LINK_KEY), wake=self._wake,
            faults=lambda: self.faults, site="Police Northtown", version="1.2.3"))
        self.clients = {role: self.client(self.accounts.new_token(f"test-{role}", role))
                        for role in ("guard", "supervisor", "admin", "police")}
        self.clients["nobody"] = self.client(None)

    def client(self, token: str | None) -> TestClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return TestClient(self.app, base_url=BASE, headers=headers, raise_server_exceptions=False,
                          follow_redirects=False)

    def token_for(self, delivery_id: str, valid: float = 60) -> str:
        return sign(delivery_id, int(self.time + valid), LINK_KEY)

    def _wake(self) -> None:
        self.woken += 1


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC) + timedelta(seconds=1)

    def __call__(self) -> datetime:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def put_entry(database: Database, record: LedgerRecord | None = None) -> str:
    """An entry as the listener keeps it."""
    record = record or LedgerRecord(id=new_id(), commitment="ab" * 32, severity="critical")
    with database.write() as session:
        entries.add(session, SeenRecord(record, "Campus North", 7, "cd" * 32))
    return record.id


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    database = connect(f"sqlite:///{tmp_path}/police.db", MIGRATIONS)
    with database.write() as session:
        meta.ensure_epoch(session)
        site.keep(session, SiteContacts(police=(POLICE,)), "test")
    yield database
    database.close()


@pytest.fixture
def channel() -> ScriptedChannel:
    return ScriptedChannel()


@pytest.fixture
def campus(tmp_path) -> Iterator[ReleasingCampus]:
    campus = ReleasingCampus(tmp_path)
    yield campus
    campus.ledger.close()


@pytest.fixture
def station(database) -> Station:
    return Station(database)


@pytest.fixture
def clock() -> Clock:
    return Clock()
