"""The network between the two organisations cut and healed."""

import time
import uuid
from contextlib import contextmanager

import pytest

from cloud.ledger.fabric import health, network, settings
from cloud.ledger.gateway.failures import GatewayError
from cloud.ledger.gateway.profile import ConnectionProfile
from tests.support.cut import Cut
from tests.support.fabric_network import fabric_ground
from tests.support.fabric_records import COMMITMENT, read, record

OVERRIDE = """  deliveryclient:
    addressOverrides: [{{from: {orderer}, to: 127.0.0.1:{relay}, caCertsFile: "{ca}"}}]
"""


@pytest.fixture
def parted(tmp_path):
    """(ground, relays): the police organisation reaches orderer and campus peer only through relays, and they it."""
    with fabric_ground(tmp_path / "net") as ground:
        at = settings.load(ground.home)
        taken = {port for by_purpose in at.ports.values() for port in by_purpose.values()}
        targets = {"orderer": "orderer", "campus": "peer-campus", "police": "peer-police"}
        relays = {}
        for name, part in targets.items():
            port = settings.free_port(taken)
            taken.add(port)
            relays[name] = (Cut(at.ports[part]["grpc"], port), port)
        try:
            for name in ("campus", "police"):
                path = ground.home / "config" / f"peer-{name}" / "core.yaml"
                text = path.read_text()
                own = at.address(f"peer-{name}")
                text = text.replace(f"externalEndpoint: {own}", f"externalEndpoint: 127.0.0.1:{relays[name][1]}")
                if name == "police":
                    text = text.replace("  deliveryclient:\n", OVERRIDE.format(
                        orderer=at.address("orderer"), relay=relays["orderer"][1],
                        ca=at.organisation("orderer") / "tlsca.pem"))
                path.write_text(text)
                network.kill(ground.home, f"peer-{name}")
                network.start(ground.home, f"peer-{name}")
            yield ground, [relay for relay, _ in relays.values()]
        finally:
            for relay, _ in relays.values():
                relay.close()


def heights(ground, part):
    return health.heights(settings.load(ground.home), part)


def wait_until(done, seconds, what):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_the_campus_goes_on_and_the_police_catch_up(parted):
    ground, relays = parted
    before, _ = record(ground)
    wait_until(lambda: heights(ground, "peer-police") == heights(ground, "peer-campus"), 30, "no blocks by the relay")
    assert relays[0].passed > 0
    wait_until(lambda: asked(ground), 30, "the campus' peer never reaches the police's")
    for relay in relays:
        relay.cut()
    stale = heights(ground, "peer-police")
    names = [record(ground, channel)[0] for channel in ("general", "police") for _ in range(2)]
    assert heights(ground, "peer-police") == stale != heights(ground, "peer-campus")
    assert COMMITMENT.encode() in read(ground, names[0])
    # The police still read what they have, and what they have not is not there.
    assert COMMITMENT.encode() in read_at_police(ground, before)
    with pytest.raises(GatewayError, match="NOTFOUND"):
        read_at_police(ground, names[0])
    with pytest.raises(GatewayError):
        endorse_by_police(ground)
    for relay in relays:
        relay.heal()
    began = time.monotonic()
    wait_until(lambda: heights(ground, "peer-police") == heights(ground, "peer-campus"), 60, "no catching up")
    print(f"the police caught up in {time.monotonic() - began:.2f} s")
    assert COMMITMENT.encode() in read_at_police(ground, names[0])
    assert COMMITMENT.encode() in read(ground, names[-1], "police", "police")
    wait_until(lambda: asked(ground), 60, "the campus' peer does not find the police's again")


def asked(ground):
    try:
        return endorse_by_police(ground).transaction
    except GatewayError:
        return None


@contextmanager
def own_gateway(ground, organisation):
    """(gateway, identity) with the organisation's own peer only, as it sees things from its side of the cut."""
    profile = ConnectionProfile.read(ground.profile(organisation))
    gateway = profile.model_copy(update={"peers": profile.peers[:1]}).gateway()
    try:
        yield gateway, profile.identity("general")
    finally:
        gateway.close()


def read_at_police(ground, name):
    with own_gateway(ground, "police") as (gateway, listener):
        return gateway.evaluate(listener, "general", "sentrybox", "Get", name)


def endorse_by_police(ground):
    """The campus' peer asks the police's to endorse."""
    with own_gateway(ground, "campus") as (gateway, recorder):
        return gateway.endorse(recorder, "general", "sentrybox", "Record", str(uuid.uuid4()), COMMITMENT, "1", "low",
                               organisations=("PoliceMSP",), timeout_s=6)
