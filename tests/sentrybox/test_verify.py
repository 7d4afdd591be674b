"""`sentrybox verify`: what it prints, its exit status, and what it needs."""

import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sentrybox.cli import main
from tests.support.fabric_proof import Network, batch_proof, single_proof

# What checking a proof may load of ours: the language both tiers speak, and the command itself.
LOADED = """
import sys
from sentrybox.cli import main
status = main(["verify", sys.argv[1]])
rooms = {name.split(".")[0] for name in sys.modules} & {"appliance", "cloud", "demo", "web"}
print("loaded", sorted(rooms), sorted(name for name in ("sqlite3", "grpc", "httpx", "fastapi") if name in sys.modules))
sys.exit(status)
"""


@pytest.fixture(scope="module")
def network():
    return Network()


@pytest.fixture
def proof(network, tmp_path):
    file = tmp_path / "proof.json"
    file.write_bytes(single_proof(network))
    return file


@pytest.fixture
def roots(network, tmp_path):
    folder = tmp_path / "roots"
    folder.mkdir()
    for organisation in network.organisations:
        (folder / f"{organisation.mspid}.pem").write_bytes(organisation.certificate.public_bytes(Encoding.PEM))
    return folder


def test_each_step_and_each_limit_is_said(proof, capsys):
    assert main(["verify", str(proof)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "ACCEPTED"
    assert all(line.startswith(("ok  ", "not shown  ")) for line in lines[:-1])
    assert sum(line.startswith("ok  ") for line in lines) >= 14
    assert any("VALID" in line for line in lines if line.startswith("not shown"))


def test_a_changed_file_is_rejected_with_the_reason(proof, capsys):
    proof.write_bytes(proof.read_bytes().replace(b"fell", b"hurt"))
    assert main(["verify", str(proof)]) == 1
    assert capsys.readouterr().out == "REJECTED  the record is not the one that was committed to\n"


def test_a_folder_of_roots_is_trusted_and_nothing_else(proof, roots, capsys):
    assert main(["verify", str(proof), "--trust", str(roots)]) == 0
    assert "all roots are trusted; the box's key was not checked" in capsys.readouterr().out
    (roots / "keys.txt").write_text(json.loads(proof.read_bytes())["box_key"].upper() + "  # the gym's box\n")
    assert main(["verify", str(proof), "--trust", str(roots)]) == 0
    assert "ok  all keys and roots are trusted" in capsys.readouterr().out
    proof.write_bytes(batch_proof(Network()))
    assert main(["verify", str(proof), "--trust", str(roots)]) == 1
    assert "key of box" in capsys.readouterr().out


def test_an_organisation_may_have_an_old_and_a_new_root(proof, roots):
    file = roots / "CampusMSP.pem"
    file.write_bytes(Network().campus.certificate.public_bytes(Encoding.PEM) + file.read_bytes())
    assert main(["verify", str(proof), "--trust", str(roots)]) == 0


def test_a_file_of_keys_vouches_for_no_fabric_ledger(proof, tmp_path, capsys):
    keys = tmp_path / "keys"
    keys.write_text(json.loads(proof.read_bytes())["box_key"])
    assert main(["verify", str(proof), "--trust", str(keys)]) == 1
    assert "CampusMSP.pem" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "content", "said"), [
    ("keys.txt", b"0123", "64 hex digits"), ("keys.txt", b"\xff\xfe", "not text"),
    ("CampusMSP.pem", b"no certificate", "CampusMSP.pem is not a PEM certificate"), ("keys.txt", b"# none", "neither")])
def test_trust_that_cannot_be_read_is_no_verdict(proof, tmp_path, capsys, name, content, said):
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / name).write_bytes(content)
    assert main(["verify", str(proof), "--trust", str(folder)]) == 2
    seen = capsys.readouterr()
    assert said in seen.err
    assert seen.out == ""


@pytest.mark.parametrize("wrong", ["absent", "."])
def test_a_file_that_cannot_be_read_is_no_verdict(proof, tmp_path, wrong):
    assert main(["verify", str(tmp_path / wrong)]) == 2
    assert main(["verify", str(proof), "--trust", str(tmp_path / "absent")]) == 2


def test_it_loads_nothing_of_box_and_cloud(proof):
    done = subprocess.run([sys.executable, "-c", LOADED, str(proof)], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["ACCEPTED", "loaded [] []"]


def test_a_box_loads_no_protobuf_to_export_a_proof():
    code = "import sys, contract.proof.document; print('google.protobuf' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
