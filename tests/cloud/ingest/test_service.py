"""Ingest against a real Mosquitto, with TLS and ACLs as the cloud writes them."""

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.broker import PACKET_ROOM
from cloud.ca import CLOUD
from cloud.database import boxes, changes
from cloud.database.people.profiles import ProfileTable
from cloud.database.records import received
from cloud.database.tables.records import EntryRow, IncidentRow
from cloud.ingest.service import BrokerLink, Ingest
from cloud.ledger.embedded import EmbeddedLedger
from contract.digests import digest_of_all
from contract.messages import MAX_MESSAGE, Pull, Status
from contract.moments import now
from tests.support.cloud_box import SimulatedBox, person
from tests.support.cloud_client import BoxClient
from tests.support.cloud_site import Site
from tests.support.ledgers import anchor_all

ROOT = Path(__file__).parents[3]


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    site = Site(tmp_path).start()
    yield site
    site.broker.stop()


def link_of(site: Site) -> BrokerLink:
    certificate, key = site.authority.client(CLOUD)
    return BrokerLink("127.0.0.1", site.broker.port, site.authority.certificate_path, certificate, key)


def until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def ingest(site, database, setting) -> Iterator[Ingest]:
    ingest = Ingest(database, setting, link_of(site), lambda: None)
    ingest.start()
    until(ingest.connected)
    yield ingest
    ingest.stop()


@pytest.fixture
def connect(site) -> Iterator[Callable[[str], BoxClient]]:
    clients = []

    def connect(name: str = "gate-1", **options) -> BoxClient:
        certificate, key = site.authority.client(name)
        clients.append(
            BoxClient(name, site.broker.port, site.authority.certificate_path, certificate, key, **options)
        )
        return clients[-1]

    yield connect
    for client in clients:
        client.stop()


def count(database, table) -> int:
    from sqlalchemy import func
    from sqlmodel import select

    with database.read() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def test_receipts_come_for_every_message_and_poison_stops_none(ingest, database, box, connect):
    client = connect()
    good = [box.incident("low") for _ in range(20)]
    for number, message in enumerate(good):
        client.send(b"\x00garbage" * number)
        client.send(message)
        client.send(message)
    receipts = [client.next("receipt") for _ in range(40)]
    assert {r.id for r in receipts} == {m.id for m in good}
    assert {r.result for r in receipts} == {"committed"}
    assert count(database, IncidentRow) == 20


def test_a_box_cannot_write_or_read_in_anothers_topics(ingest, database, box, connect):
    other = SimulatedBox("gate-2").register(database)
    stranger, client = connect("gate-2"), connect()
    stranger._client.subscribe("down/#", qos=1)
    stranger.send(box.incident(), box="gate-1")
    assert "uthori" in stranger.refusals.get(timeout=20)
    message = box.incident()
    client.send(message)
    assert client.next("receipt").id == message.id
    mine = other.incident()
    stranger.send(mine)
    heard = {stranger.next("receipt").id}
    # A broker keeps the order of a topic, so a receipt of another box would have come before the one of `last`.
    # Overlapping subscriptions may bring the same message twice; what matters is whose they are.
    last = other.incident()
    stranger.send(last)
    while last.id not in heard:
        heard.add(stranger.next("receipt").id)
    assert heard == {mine.id, last.id}
    assert count(database, IncidentRow) == 3


def test_a_stranger_without_our_certificate_is_kept_out(site, tmp_path):
    from cloud.ca import Authority

    forged = Authority(tmp_path / "forged")
    certificate, key = forged.client("gate-1")
    with pytest.raises(OSError):
        BoxClient("gate-1", site.broker.port, site.authority.certificate_path, certificate, key, patience=2)


def test_a_message_over_the_limit_is_noted_and_the_connection_goes_on(ingest, database, box, connect):
    client = connect()
    client.send(b"x" * (MAX_MESSAGE + 1))
    message = box.incident()
    client.send(message)
    assert client.next("receipt").id == message.id
    with database.read() as session:
        assert "over the limit" in received.quarantined(session, 9)[0].reason


def test_a_box_that_floods_the_broker_with_huge_packets_troubles_only_itself(ingest, database, box, connect):
    SimulatedBox("gate-2").register(database)
    connect("gate-2").send(b"x" * (MAX_MESSAGE + PACKET_ROOM))
    client, message = connect(), box.incident()
    client.send(message)
    assert client.next("receipt").id == message.id
    assert ingest.connected()


def test_a_revoked_boxs_live_connection_has_no_effect(ingest, database, box, connect):
    client = connect()
    client.send(box.incident())
    client.next("receipt")
    with database.write() as session:
        boxes.revoke(session, "gate-1", "admin")
    client.send(box.incident())
    client.send(Pull(cursor=0), "pull")
    with pytest.raises(queue.Empty):
        client.next("receipt", timeout=1)
    assert client.inboxes["changes"].empty()
    assert count(database, IncidentRow) == 1


def test_a_revoked_certificate_cannot_connect_again(site, box, database, connect):
    from cryptography import x509

    certificate, _ = site.authority.client("gate-1")
    connect().stop()
    serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    site.authority.revoke(f"{serial:x}")
    site.broker.stop()
    site.broker.start()
    with pytest.raises(OSError):
        connect(patience=2)


def test_changes_are_pulled_and_new_revisions_announced(ingest, database, box, connect):
    client = connect()
    assert client.next("latest").revision == 0
    ada = ProfileTable(database).create(person("Ada"), "admin")
    until(lambda: client.next("latest").revision == 1)
    client.send(Pull(cursor=0), "pull")
    batch = client.next("changes")
    assert [c.body.profile for c in batch.changes] == [ada]
    assert (batch.through, batch.latest) == (1, 1)
    late = connect()
    assert late.next("latest").revision == 1


def test_the_fleet_learns_who_holds_other_profiles(ingest, database, box, connect):
    ada = ProfileTable(database).create(person("Ada"), "admin")
    client = connect()

    def heartbeat(digest: str, cursor: int = 1, waiting: int = 0) -> None:
        client.send(
            Status(at=now(), version="1", cursor=cursor, waiting=waiting, profiles=1, profiles_digest=digest),
            "status",
        )

    def agrees():
        with database.read() as session:
            return boxes.get(session, "gate-1").agrees

    heartbeat("0" * 64, cursor=0)
    heartbeat("0" * 64, waiting=1)
    heartbeat(digest_of_all([ada]))
    until(lambda: agrees() is True)
    heartbeat("0" * 64)
    until(lambda: agrees() is False)
    with database.read() as session:
        assert boxes.get(session, "gate-1").last_seen is not None


def test_a_broker_that_dies_and_comes_back_loses_nothing(ingest, site, database, box, connect):
    client = connect()
    messages = [box.incident("low") for _ in range(10)]
    for message in messages[:5]:
        client.send(message)
    site.broker.stop(kill=True)
    until(lambda: not ingest.connected())
    site.broker.start()
    until(ingest.connected)
    until(client._client.is_connected)
    missing = {m.id: m for m in messages}
    end = time.monotonic() + 30
    while missing and time.monotonic() < end:
        for message in missing.values():
            client.send(message)
        try:
            while True:
                missing.pop(client.next("receipt", timeout=1).id, None)
        except queue.Empty:
            pass
    assert not missing
    assert count(database, IncidentRow) == 10


DIES_BEFORE_THE_RECEIPT = """
import os, sys, threading
from pathlib import Path
from cloud.database.opening import connect
from cloud.ingest.bodies import Setting
from cloud.ingest.service import BrokerLink, Ingest
from contract.policy import Policy, PoliceRule

class Dies(Ingest):
    def _publish(self, topic, message, **options):
        if topic.endswith("/receipt"):
            os.kill(os.getpid(), 9)

url, home, port, ca, certificate, key = sys.argv[1:]
setting = Setting(Path(home), Policy(police=(PoliceRule(from_severity="critical"),)))
Dies(connect(url), setting, BrokerLink("127.0.0.1", int(port), Path(ca), Path(certificate), Path(key)), list).start()
print("ready", flush=True)
threading.Event().wait()
"""


def test_killed_after_the_commit_and_before_the_receipt_leaves_one_row_and_one_leaf(
    site, database, setting, box, connect, tmp_path
):
    link = link_of(site)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            DIES_BEFORE_THE_RECEIPT,
            f"sqlite:///{tmp_path}/cloud.db",
            str(setting.files),
            str(link.port),
            str(link.ca),
            str(link.certificate),
            str(link.key),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    client, message = connect(), box.incident("critical")
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        client.send(message)
        time.sleep(0.2)
    assert process.wait(5) == -signal.SIGKILL
    assert client.inboxes["receipt"].empty()
    assert count(database, IncidentRow) == 1

    ledger = EmbeddedLedger(tmp_path / "ledger")
    anchor_all(database, ledger)
    ingest = Ingest(database, setting, link, lambda: None)
    ingest.start()
    until(ingest.connected)
    client.send(message)
    assert client.next("receipt").result == "committed"
    anchor_all(database, ledger)
    ingest.stop()
    assert count(database, IncidentRow) == count(database, EntryRow) == 1
    assert [r.id for _, r in ledger.page("general", -1, 9).records] == [message.body.incident.id]
    assert [r.id for _, r in ledger.page("police", -1, 9).records] == [message.body.incident.id]
    ledger.close()


def test_a_failure_inside_does_not_end_the_connection(ingest, database, box, connect, monkeypatch):
    client = connect()
    broken = threading.Event()
    right = boxes.active

    def active(session, name):
        if not broken.is_set():
            broken.set()
            raise RuntimeError("a fault of ours")
        return right(session, name)

    monkeypatch.setattr(boxes, "active", active)
    first, second = box.incident(), box.incident()
    client.send(first)
    until(broken.is_set)
    client.send(second)
    assert client.next("receipt").id == second.id
    client.send(first)
    assert client.next("receipt").id == first.id
    assert ingest.connected()


def test_the_newest_revision_is_that_of_the_box(database, box):
    with database.write() as session:
        changes.publish_change(session, scope="other", kind="profile", key="x")
        assert changes.latest_for(session, "gate-1") == 0
