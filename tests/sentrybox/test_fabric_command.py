import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from cloud.ledger.fabric import identities, network, profiles
from sentrybox.cli import main
from sentrybox.doctor_cloud import check_fabric
from tests.support.fabric_network import fabric_ground

CLOUD = """
home = "var"
url = "https://cloud.example.org"
[broker]
ca = "ca.pem"
certificate = "cloud.pem"
key = "cloud.key"
"""


@pytest.fixture
def no_programs(monkeypatch, tmp_path):
    monkeypatch.setenv("FABRIC_BIN", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def cloud_file(tmp_path, profile=None):
    path = tmp_path / "cloud.toml"
    path.write_text(CLOUD + (f'[ledger]\nkind = "fabric"\nprofile = "{profile}"\n' if profile else ""))
    return path


def test_without_the_programs_up_says_in_one_line_what_to_get(no_programs, tmp_path, capsys):
    assert main(["fabric", "up", "--home", str(tmp_path / "net")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "peer, orderer, configtxgen, osnadmin not found" in said and "docs/fabric.md" in said
    assert not (tmp_path / "net").exists()


def test_help_teaches():
    said = subprocess.run([sys.executable, "-m", "sentrybox", "fabric", "--help"], capture_output=True, text=True,
                          timeout=60, check=True).stdout
    for word in ("FABRIC_BIN", "--ha", "--yes", "profiles/campus.json", "docs/fabric.md", "status", "reset"):
        assert word in said


def test_reset_wants_a_yes_and_a_networks_home(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")
    assert main(["fabric", "reset", "--home", str(tmp_path)]) == 1
    assert "--yes" in capsys.readouterr().err
    assert main(["fabric", "reset", "--home", str(tmp_path), "--yes"]) == 1
    assert "not a network's home" in capsys.readouterr().err
    assert (tmp_path / "letter.txt").exists()


@pytest.mark.parametrize("action", ["down", "status"])
def test_where_there_is_no_network_that_is_said(tmp_path, capsys, action):
    assert main(["fabric", action, "--home", str(tmp_path)]) == 1
    assert "there is no network" in capsys.readouterr().err


def test_the_doctor_names_missing_programs_only_where_they_are_wanted(no_programs, monkeypatch, tmp_path):
    path = cloud_file(tmp_path)
    found = list(check_fabric(path))
    assert [(each.what, bool(each.fix)) for each in found] == [("fabric programs", True)]
    monkeypatch.delenv("FABRIC_BIN")
    assert list(check_fabric(path)) == []


def test_the_doctor_says_when_a_certificate_ends_and_which_peer_does_not_answer(monkeypatch, tmp_path):
    monkeypatch.delenv("FABRIC_BIN", raising=False)
    identities.make(tmp_path)
    profiles.write(tmp_path, {"campus": "127.0.0.1:1", "police": "127.0.0.1:1"})
    identities.issue(tmp_path / "organisations/campus", "recorder",
                     not_after=datetime.now(UTC) + timedelta(days=7, hours=1))
    found = {each.what: each for each in check_fabric(cloud_file(tmp_path, tmp_path / "profiles/campus.json"))}
    assert found["fabric certificate for general"].seen == "CampusMSP, 7 days left"
    assert "issue a new one" in found["fabric certificate for general"].fix
    assert not found["fabric certificate for police"].fix
    assert "UNAVAILABLE" in found["CampusMSP's peer at 127.0.0.1:1, general"].seen
    (tmp_path / "profiles/campus.json").write_text("{}")
    assert [each.what for each in check_fabric(cloud_file(tmp_path, tmp_path / "profiles/campus.json"))] == [
        "fabric profile"]


def test_the_command_and_the_doctor_on_a_real_network(tmp_path, capsys):
    with fabric_ground(tmp_path / "net") as ground:
        home = str(ground.home)
        assert main(["fabric", "up", "--home", home]) == 0
        assert "up: clients read" in capsys.readouterr().out
        assert main(["fabric", "status", "--home", home]) == 0
        said = capsys.readouterr().out
        assert said.count("ok  ") == len(said.splitlines()) == 5 + 2 + 4
        for organisation in ("campus", "police"):
            found = list(check_fabric(cloud_file(tmp_path, ground.profile(organisation))))
            assert not [each for each in found if each.fix], found
            assert sum("blocks" in each.seen for each in found) == 4
        network.kill(ground.home, "chaincode-police")
        assert main(["fabric", "status", "--home", home]) == 1
        assert main(["fabric", "down", "--home", home]) == 0
        assert "ended chaincode-campus, peer-campus, peer-police, orderer" in capsys.readouterr().out
        assert main(["fabric", "reset", "--home", home, "--yes"]) == 0
        assert not ground.home.exists()
