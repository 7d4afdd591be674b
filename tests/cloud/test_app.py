"""The cloud's processes as they are started, with a real broker."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cloud.app import start
from cloud.claim import create_code
from cloud.config import CloudConfig
from cloud.database.opening import connect
from cloud.database.records import records
from contract.chain import public_key_text
from contract.config import read_config
from contract.errors import Rejected
from contract.messages import Pull
from contract.proof.document import check_inclusion
from tests.support import postgres
from tests.support.cloud_box import SimulatedBox
from tests.support.cloud_client import BoxClient
from tests.support.cloud_site import Site

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.broker.stop()


@contextlib.contextmanager
def cloud(config: Path, *parts: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """The process and its readiness line; ended by SIGTERM, and then it must have ended well."""
    arguments = [argument for part in parts for argument in ("--part", part)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sentrybox", "cloud", "--config", str(config), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        line = process.stdout.readline()
        assert "ready" in line, f"it ended with {process.poll()}"
        yield process, line
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def request_for(box: str, home: Path) -> tuple[str, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    path = home / f"{box}-box.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(Encoding.PEM).decode(), path


def claimed_box(site: Site, line: str, database) -> tuple[SimulatedBox, BoxClient]:
    box = SimulatedBox("gate-1")
    csr, key = request_for("gate-1", site.home)
    with database.write() as session:
        code = create_code(session, "admin")
    page = line.split("pages at ")[1].split(",")[0].strip()
    answer = httpx.post(
        f"{page}/claim",
        trust_env=False,
        json={"code": code, "box": "gate-1", "csr": csr, "public_key": public_key_text(box.key)},
    )
    assert answer.status_code < 300, answer.text
    claimed = answer.json()
    assert claimed["broker"] == {"host": "127.0.0.1", "port": site.broker.port}
    ca, certificate = site.home / "box-ca.pem", site.home / "box.pem"
    ca.write_text(claimed["ca"])
    certificate.write_text(claimed["certificate"])
    return box, BoxClient("gate-1", claimed["broker"]["port"], ca, certificate, key)


def anchored(client: BoxClient, record_id: str):
    """What the box learns of its record's place on the ledger, pulling as a box does."""
    cursor, until = 0, time.monotonic() + 20
    while time.monotonic() < until:
        client.send(Pull(cursor=cursor), "pull")
        batch = client.next("changes")
        for change in batch.changes:
            if change.body.type == "anchor" and (change.body.record_id, change.body.status) == (record_id, "anchored"):
                return change.body
        cursor = batch.through
        time.sleep(0.1)
    raise AssertionError("the record was not anchored")


def test_a_box_is_claimed_and_its_incident_is_committed_and_anchored(site):
    site.start()
    database_url = f"sqlite:///{site.home}/cloud.db"
    with cloud(site.config(database_url)) as (_, line):
        assert "/first?secret=" in line
        database = connect(database_url)
        box, client = claimed_box(site, line, database)
        incident = box.incident("critical")
        client.send(incident)
        receipt = client.next("receipt")
        assert (receipt.id, receipt.hash, receipt.result) == (incident.id, incident.hash, "committed")
        found = anchored(client, incident.body.incident.id)
        assert [anchor.channel for anchor in found.anchors] == ["general", "police"]
        for inclusion in found.inclusions:
            check_inclusion(inclusion)
            assert inclusion.record.commitment == incident.body.entry.entry.hash()
        client.stop()
        database.close()


@pytest.mark.timeout(400)  # five processes start at the same time
def test_the_parts_run_apart_on_postgresql_two_of_a_kind(site):
    site.start()
    with postgres.new_database() as url, contextlib.ExitStack() as stack:
        config = site.config(url)
        parts = ("admin", "ingest", "ingest", "worker", "worker")
        with ThreadPoolExecutor() as pool:
            started = list(pool.map(lambda part: stack.enter_context(cloud(config, part)), parts))
        line = started[0][1]
        database = connect(url)
        box, client = claimed_box(site, line, database)
        incidents = [box.incident("critical") for _ in range(20)]
        for incident in incidents:
            client.send(incident)
        assert {r.result for r in client.receipts(20).values()} == {"committed"}
        for incident in incidents:
            anchored(client, incident.body.incident.id)
        with database.read() as session:
            blocks = [
                records.ledger_state(session, one.body.incident.id).anchors[0].block for one in incidents
            ]
        assert sorted(blocks) == list(range(20))
        client.stop()
        database.close()


def test_it_starts_without_a_broker_and_finds_it_later(site):
    database_url = f"sqlite:///{site.home}/cloud.db"
    with cloud(site.config(database_url)) as (_, line):
        database = connect(database_url)
        site.start()
        box, client = claimed_box(site, line, database)
        incident = box.incident("low")
        until = time.monotonic() + 30
        while client.inboxes["receipt"].empty() and time.monotonic() < until:
            client.send(incident)
            time.sleep(0.5)
        assert client.next("receipt").id == incident.id
        client.stop()
        database.close()


def test_parts_apart_are_refused_on_sqlite(site):
    config = read_config(site.config(), CloudConfig)
    with pytest.raises(Rejected, match="PostgreSQL"), contextlib.ExitStack() as stack:
        start(config, ("ingest",), stack)
