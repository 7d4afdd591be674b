"""Faults of one part of the real network: who is refused, what goes on, what is said."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from cloud.ledger.fabric import commands, health, identities, network, processes, programs, settings
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.identity import Identity
from tests.support.fabric_records import COMMITMENT, read, record


def identity(mspid, msp):
    return Identity.load(mspid, msp / "signcerts" / "cert.pem", msp / "keystore" / "key.pem")


def wait_until(done, seconds, what):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_an_ended_certificate_cannot_write(ground, monkeypatch):
    # Our own client refuses it before anything is sent; a client that does not is refused by the orderer.
    monkeypatch.setattr("cloud.ledger.gateway.client.check_validity", lambda identity, step: None)
    folder = ground.home / "organisations" / "campus"
    try:
        ended = identity("CampusMSP", identities.issue(folder, "ended", attributes={identities.ROLE: "recorder"},
                                                       not_after=datetime.now(UTC) - timedelta(minutes=1)))
        with pytest.raises(GatewayError, match="client identity expired") as caught:
            record(ground, identity=ended)
        assert caught.value.step == "submit" and caught.value.not_allowed and not caught.value.retry
        # The peer's Gateway does not look at the date: docs/fabric.md says how to take reading away.
        name, _ = record(ground)
        assert COMMITMENT.encode() in read(ground, name, identity=ended)
    finally:
        shutil.rmtree(folder / "users" / "ended")


def test_status_asks_for_new_certificates_in_time(ground):
    folder = ground.home / "organisations" / "campus"
    identities.issue(folder, "soon", not_after=datetime.now(UTC) + timedelta(days=10, hours=1))
    try:
        found = network.status(ground.home)
        assert not found.well
        assert [(each.organisation, each.days) for each in found.certificates if each.days < 30] == [("campus", 10)]
    finally:
        shutil.rmtree(folder / "users" / "soon")


def test_who_is_no_member_is_refused(ground, tmp_path):
    identities.make(tmp_path)
    stranger = tmp_path / "organisations" / "campus" / "users" / "recorder" / "msp"
    with pytest.raises(GatewayError) as caught:
        record(ground, identity=identity("CampusMSP", stranger))
    assert caught.value.not_allowed and not caught.value.retry
    with pytest.raises(GatewayError) as caught:
        record(ground, identity=identity("ThievesMSP", stranger))
    assert caught.value.not_allowed


def test_an_ordinary_campus_client_gets_nothing_from_the_police_channel(ground):
    name, _ = record(ground, "police")
    for user in ("recorder", "reader"):
        with pytest.raises(GatewayError) as caught:
            record(ground, "police", identity=ground.identity("campus", user))
        assert caught.value.not_allowed
    assert COMMITMENT.encode() in read(ground, name, "police", "police")


def test_the_chaincode_link_refuses_who_has_no_certificate_of_the_organisation(ground):
    """As the peer dials, but with no certificate, and with the other organisation's."""
    at = settings.load(ground.home)
    address = at.address("chaincode-campus")
    own, other = (at.organisation(name) / "chaincode" for name in ("campus", "police"))

    def answer(*words):
        ask = ["openssl", "s_client", "-connect", address, "-alpn", "h2", "-CAfile", own / "ca.crt", "-ign_eof", *words]
        done = subprocess.run(["timeout", "2", *ask], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return (done.stdout + done.stderr).decode(errors="replace")

    assert "alert" not in answer("-cert", own / "client.crt", "-key", own / "client.key")
    assert "certificate required" in answer()
    assert "alert" in answer("-cert", other / "client.crt", "-key", other / "client.key")
    assert health.problem(at, "chaincode-campus") == ""


@contextlib.contextmanager
def wrong_chaincode(ground):
    """Both organisations' chaincode processes under an id that nobody approved."""
    at, tools = settings.load(ground.home), programs.require()
    try:
        for part in at.chaincodes:
            network.kill(ground.home, part)
            right = commands.command(at, part, tools)
            wrong = right._replace(environment={**right.environment, "CHAINCODE_ID": "sentrybox_1:" + "0" * 64})
            processes.launch(ground.home, part, wrong, at.log(part))
            health.wait_serving(at, part)
        yield
    finally:
        for part in at.chaincodes:
            network.kill(ground.home, part)
            network.start(ground.home, part)


def test_a_chaincode_under_a_wrong_package_id_is_an_error_in_words(ground):
    with wrong_chaincode(ground):
        began = time.monotonic()
        with pytest.raises(GatewayError, match="timeout expired while starting chaincode sentrybox_1"):
            record(ground, "general")
        took = time.monotonic() - began
    assert took < 20, f"two peers, each waiting for 6 s, took {took:.1f} s"
    assert record(ground)[1].name == "VALID"


def test_a_full_disk_at_one_peer_stops_that_peer_only_and_heals(ground):
    """Its data on a small file system of its own: real ENOSPC."""
    at, part = settings.load(ground.home), "peer-police"
    data = ground.home / "data" / part
    network.kill(ground.home, part)
    small, kept = data.with_name("small"), data.with_name("kept")
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], check=False,
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        small.rmdir()
        network.start(ground.home, part)
        pytest.skip(f"not run: a small file system needs the right to mount: {mounted.stderr.strip()}")
    try:
        shutil.copytree(data, small / part)
        data.rename(kept)
        data.symlink_to(small / part)
        network.start(ground.home, part)
        with (small / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        names = [record(ground)[0] for _ in range(3)]
        wait_until(lambda: health.problem(at, part) or health.heights(at, part) != health.heights(at, "peer-campus"),
                   20, "the full peer goes on as if nothing was")
        assert "no space left on device" in ground.logs(part)
        assert not network.status(ground.home).well
        assert COMMITMENT.encode() in read(ground, names[-1])
        (small / "ballast").unlink()
        network.kill(ground.home, part)
        network.start(ground.home, part)
        wait_until(lambda: health.heights(at, part) == health.heights(at, "peer-campus"), 30, "it does not catch up")
        assert COMMITMENT.encode() in read(ground, names[-1], organisation="police")
    finally:
        network.kill(ground.home, part)
        if data.is_symlink():
            data.unlink()
            kept.rename(data)
        subprocess.run(["umount", small], check=False)
        small.rmdir()
        network.start(ground.home, part)


def test_a_hung_peer_is_passed_by(ground):
    at = settings.load(ground.home)
    process = processes.find(ground.home, "peer-campus")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert "does not answer" in health.problem(at, "peer-campus")
        assert record(ground)[1].name == "VALID"
    finally:
        os.kill(process.pid, signal.SIGCONT)
