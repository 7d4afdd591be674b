import pytest

from cloud.ledger.fabric import programs
from contract.errors import Rejected

PEER = "peer:\n Version: v{version}\n Commit SHA: 605f643e9\n OS/Arch: linux/amd64\n"


@pytest.fixture
def empty_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("FABRIC_BIN", raising=False)


def put(folder, *names, prints="", status=0):
    folder.mkdir(exist_ok=True)
    for name in names:
        file = folder / name
        file.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{prints}\nEND\nexit {status}\n")
        file.chmod(0o755)
    return folder


def test_all_missing_is_one_line_that_says_what_to_get_and_where(empty_path):
    assert programs.find() is None
    with pytest.raises(Rejected) as caught:
        programs.require()
    assert str(caught.value).count("\n") == 0
    for word in ("peer, orderer, configtxgen, osnadmin not found", "FABRIC_BIN is not set",
                 "Hyperledger Fabric 2.5 LTS release binaries", "docs/fabric.md"):
        assert word in str(caught.value)


def test_the_folder_of_fabric_bin_comes_before_the_path(empty_path, monkeypatch, tmp_path):
    path = put(tmp_path / "path", *programs.NAMES, prints=PEER.format(version="2.5.1"))
    own = put(tmp_path / "own", "peer", prints=PEER.format(version="2.5.16"))
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("FABRIC_BIN", str(own))
    found = programs.find()
    assert (found.peer, found.version) == (own / "peer", "2.5.16")
    assert found.orderer == path / "orderer"


def test_only_those_that_are_missing_are_named(empty_path, monkeypatch, tmp_path):
    folder = put(tmp_path / "some", "peer", "orderer", prints=PEER.format(version="2.5.16"))
    monkeypatch.setenv("FABRIC_BIN", str(folder))
    with pytest.raises(Rejected, match=r"^configtxgen, osnadmin not found in .*some \(FABRIC_BIN\) and on PATH"):
        programs.require()


@pytest.mark.parametrize("version", ["2.4.9", "3.1.0", "2.50.1", "latest"])
def test_another_version_is_refused_in_words(empty_path, monkeypatch, tmp_path, version):
    folder = put(tmp_path / "other", *programs.NAMES, prints=PEER.format(version=version))
    monkeypatch.setenv("FABRIC_BIN", str(folder))
    assert programs.find() is None
    with pytest.raises(Rejected, match=rf"is Fabric {version}; Sentrybox runs on 2\.5 LTS"):
        programs.require()


@pytest.mark.parametrize(("prints", "status"), [("hello", 0), (PEER.format(version="2.5.16"), 1)])
def test_a_program_that_only_shares_the_name_is_refused(empty_path, monkeypatch, tmp_path, prints, status):
    folder = put(tmp_path / "wrong", *programs.NAMES, prints=prints, status=status)
    monkeypatch.setenv("FABRIC_BIN", str(folder))
    with pytest.raises(Rejected, match="does not name a Fabric version"):
        programs.require()
