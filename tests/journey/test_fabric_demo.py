"""The demo with LEDGER=fabric, on a network made by `sentrybox fabric up`: what the API says is in the blocks."""

import subprocess
from pathlib import Path

import pytest

from cloud.ledger.fabric import programs, settings, tool
from sentrybox.cli import main
from tests.support.demo import api, run_check, running_demo, until
from tests.support.fabric_network import SKIP

ROOT = Path(__file__).parents[2]
SECRETS = ("Portrait", "Peter", "Ben ", "Carl", "Library", "demo-box", "during the outage", "Sports hall")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    if programs.find() is None:
        pytest.skip(SKIP)
    home = tmp_path_factory.mktemp("fabric")
    settings.create(home, ha=False, usual=False)  # ports of its own
    try:
        assert main(["fabric", "up", "--home", str(home)]) == 0
        yield home
    finally:
        assert main(["fabric", "reset", "--home", str(home), "--yes"]) == 0


@pytest.fixture(scope="module")
def demo(network, tmp_path_factory):
    with running_demo(tmp_path_factory.mktemp("demo"), "--ledger", "fabric", SENTRYBOX_FABRIC=str(network)) as home:
        yield home


def block_of(network: Path, channel: str, number: int, folder: Path) -> bytes:
    """A block as the police organisation's peer gives it to Fabric's own command-line program."""
    file = folder / f"{channel}-{number}.block"
    tool.peer(settings.load(network), programs.require(), "police", "channel", "fetch", str(number), str(file),
              "-c", channel)
    return file.read_bytes()


def test_an_incident_goes_from_recorded_to_anchored_and_its_transaction_is_in_that_block(network, demo, tmp_path):
    with (api(demo, "box", "admin") as box, api(demo, "cloud", "admin") as cloud,
          api(demo, "police", "police") as police):
        made = box.post("/incidents", json={"time": "2026-11-23T20:00:00Z", "location": "Sports hall", "kind": "manual",
                                            "severity": "critical", "description": "reported during the outage"})
        assert made.status_code == 201, made.text
        record = made.json()["incident"]["id"]
        seen = []

        def anchored():
            answer = cloud.get(f"/blockchain/log/{record}")
            if answer.is_success and answer.json()["status"] not in seen:
                seen.append(answer.json()["status"])
            return answer.json() if seen[-1:] == ["anchored"] else None

        (general,) = until(anchored)["anchors"]
        assert seen == [state for state in ("recorded", "submitted", "anchored") if state in seen]
        heard = until(lambda: (answer := police.get(f"/entries/{record}")).is_success and answer.json())
        for channel, place in (("general", general), ("police", heard)):
            written = place["transaction"].encode()
            assert written in block_of(network, channel, place["block"], tmp_path)
            assert written not in block_of(network, channel, place["block"] - 1, tmp_path)
        proof = tmp_path / "incident.proof"
        proof.write_bytes(cloud.get(f"/blockchain/log/{record}/proof").content)
        assert main(["verify", str(proof), "--trust", str(network / "roots")]) == 0
        other = subprocess.run([ROOT / "var" / "go" / "bin" / "sentrybox-verify", "-trust", network / "roots", proof],
                               capture_output=True, text=True, check=False)
        assert other.returncode == 0, other.stdout + other.stderr


def test_the_check_holds_also_with_the_broker_away_in_the_middle(demo):
    lines = run_check(demo, "--outage")
    assert "police told by their own process: told; acknowledged on the ledger" in lines
    assert "released to the police" in lines and "outbox empty" in lines


def test_the_audit_agrees_and_nothing_personal_is_in_any_block(network, demo, capsys):
    assert main(["ledger", "audit", "--config", str(demo / "cloud.toml")]) == 0, capsys.readouterr().out
    files = sorted((network / "data").glob("**/blockfile_*"))
    assert len(files) == 6
    with api(demo, "cloud", "admin") as cloud, api(demo, "police", "police") as police:
        people = [person["id"] for person in cloud.get("/users").json()["items"]]
        record = police.get("/entries").json()["items"][0]["id"]
    content = b"".join(file.read_bytes() for file in files)
    assert record.encode() in content and people
    assert [word for word in (*SECRETS, *people) if word.encode() in content] == []
