"""The cloud's web application over a real database and ledger, with one box, two friends and a token per role."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from cloud.admin.app import build_app
from cloud.admin.services import Services
from cloud.ca import Authority
from cloud.claim import claim, create_code
from cloud.database import boxes, meta, site
from cloud.database.access import accounts_of
from cloud.database.ledger import jobs
from cloud.database.opening import connect
from cloud.database.people.profiles import ProfileTable
from cloud.database.records import records
from cloud.database.tables.site import BoxRow
from cloud.database.telling import deliveries
from cloud.ledger.embedded import EmbeddedLedger
from cloud.notify.links import check, sign
from contract.chain import GENESIS, Entry, commitment, new_salt, public_key_text, sign_entry
from contract.claim import BrokerAddress, ClaimRequest
from contract.delivery import SiteContacts
from contract.embedding import EmbeddingSpace, Thresholds
from contract.ids import new_id
from contract.incident import Incident, Involved, LogRecord
from contract.ledger import LedgerRecord
from contract.moments import from_text, now
from contract.policy import Policy, decide_on
from contract.profile import Contact, Profile
from tests.support.ledgers import anchor_all

ROLES = ("guard", "supervisor", "admin", "police")
LINK_KEY = bytes(range(32))
BASE = "https://cloud.test"
SPACE = EmbeddingSpace(pack="open", size=128, metric="euclidean", thresholds=Thresholds(
    known=0.5, review=0.6, verify=0.55, margin=0.02, min_width=32))


class Site:
    """What a test has in hand. `clients` has one per role, and "nobody"."""

    def __init__(self, home: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.home = home
        self.database = connect(f"sqlite:///{home}/cloud.db")
        self.ledger = EmbeddedLedger(home / "ledger")
        self.key = Ed25519PrivateKey.generate()
        self.profiles = ProfileTable(self.database)
        self.accounts = accounts_of(self.database)
        self.time = from_text(now()).timestamp()
        self.previous, self.sequence = GENESIS, 0
        with self.database.write() as session:
            meta.ensure_epoch(session)
            site.put(session, SiteContacts(security=(Contact(channel="sms", address="+4915100000001"),),
                                           police=(Contact(channel="sms", address="+4915100000110"),)), "test")
            boxes.register(session, BoxRow(id="roof-box", name="Roof", public_key=public_key_text(self.key),
                                           state="active", claimed_at=now()), "test")
        self.ben = self.profiles.create(Profile(id=new_id(), name="Ben Example", contacts=(
            Contact(channel="sms", address="+4915112345678"),)), "test")
        self.anna = self.profiles.create(Profile(id=new_id(), name="Anna Example", friends=(self.ben.id,)), "test")
        self.authority = Authority(home / "authority")
        self.faces: dict[bytes, object] = {}
        self.policy = Policy()
        self.app = build_app(Services(
            database=self.database, accounts=self.accounts, profiles=self.profiles, ledger=self.ledger,
            files=home / "files", link_delivery=lambda token: check(token, self.time, LINK_KEY),
            make_code=self._make_code, claim=self._claim, revoke=self._revoke, read_faces=self._read_faces,
            space_of={"open": SPACE}.get,
            policy=self.policy, site="Test campus", version="1.2.3"))
        self.clients = {role: self.client(self.accounts.new_token(f"test-{role}", role)) for role in ROLES}
        self.clients["nobody"] = self.client(None)

    def client(self, token: str | None) -> TestClient:
        """A program with a token, or without."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return TestClient(self.app, base_url=BASE, headers=headers, raise_server_exceptions=False,
                          follow_redirects=False)

    def put_incident(self, severity: str = "high", victim: bool = True, **fields) -> Incident:
        """An incident as ingest commits it: with its chain entry, ledger job and deliveries."""
        people = (Involved(person=self.anna.id, part="victim", confidence=0.93),) if victim else ()
        incident = Incident(**{"id": new_id(), "device": "roof-box", "sequence": self.sequence + 1,
                               "kind": "intrusion", "severity": severity, "at": now(), "location": "Roof, block C",
                               "people": people, **fields})
        with self.database.write() as session:
            records.add_incident(session, incident)
            deliveries.plan_for_record(session, incident, self.policy)
            self._chain(session, "incident", incident)
        return incident

    def put_log(self, log: LogRecord) -> None:
        """A log record as ingest commits it."""
        with self.database.write() as session:
            records.add_log(session, log)
            self._chain(session, "log", log)

    def anchor(self) -> None:
        """Let the ledger do its work."""
        anchor_all(self.database, self.ledger)

    def token_for(self, delivery_id: str, valid: float = 60) -> str:
        """The token of an alert's link."""
        return sign(delivery_id, int(self.time + valid), LINK_KEY)

    def _chain(self, session, record_type: str, record: Incident | LogRecord) -> None:
        self.sequence += 1
        salt = new_salt()
        entry = Entry(device="roof-box", sequence=self.sequence, previous=self.previous, record_type=record_type,
                      record_id=record.id, commitment=commitment(record, salt), at=record.at)
        self.previous = entry.hash()
        decision = decide_on(record, self.policy)
        records.add_entry(session, "roof-box", sign_entry(entry, self.key), salt)
        on_ledger = LedgerRecord(id=record.id, commitment=entry.hash(), severity=record.severity)
        jobs.add(session, on_ledger, decision.channels, "roof-box", at_once=decision.at_once)

    def _make_code(self, by: str) -> str:
        with self.database.write() as session:
            return create_code(session, by)

    def _claim(self, fields: dict) -> dict:
        answer = claim(self.database, self.authority, ClaimRequest(**fields), BrokerAddress(host="b", port=1), "Test")
        return answer.model_dump()

    def _revoke(self, box: str, by: str) -> None:
        with self.database.write() as session:
            boxes.revoke(session, box, by)

    def _read_faces(self, image: bytes):
        found = self.faces[image]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def campus(tmp_path):
    campus = Site(tmp_path)
    yield campus
    campus.ledger.close()
    campus.database.close()


@pytest.fixture(scope="module")
def shared_campus(tmp_path_factory):
    """For tests that only look."""
    campus = Site(tmp_path_factory.mktemp("campus"))
    yield campus
    campus.ledger.close()
    campus.database.close()


@pytest.fixture
def as_(campus):
    """Clients by role, as as_.admin."""
    return SimpleNamespace(**campus.clients)
