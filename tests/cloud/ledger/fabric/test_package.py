import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from importlib.resources import files
from pathlib import Path

import pytest

from cloud.ledger.fabric.package import LABEL, package, package_id

BUILDER = Path(str(files("cloud.ledger.fabric"))) / "files" / "builder" / "bin"
VALUES = {"address": "127.0.0.1:9997", "client_key": "K\n\"1\"\n", "client_cert": "C", "root_cert": "R"}


def contents(data):
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}


def run(name, *folders, values=VALUES):
    environment = {"PATH": os.environ["PATH"], "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG": json.dumps(values)}
    return subprocess.run([sys.executable, BUILDER / name, *folders], env=environment, capture_output=True,
                          text=True, timeout=20, check=False)


@pytest.fixture
def unpacked(tmp_path):
    """The folders that a peer hands to a builder: source, metadata, output, release."""
    outer = contents(package())
    for name in ("source", "metadata", "output", "release"):
        (tmp_path / name).mkdir()
    (tmp_path / "metadata" / "metadata.json").write_bytes(outer["metadata.json"])
    for name, data in contents(outer["code.tar.gz"]).items():
        (tmp_path / "source" / name).write_bytes(data)
    return tmp_path


def test_the_package_is_the_same_bytes_at_any_time_and_in_any_process():
    first = package()
    time.sleep(1.1)  # a gzip header counts whole seconds
    code = "import sys; from cloud.ledger.fabric.package import package; sys.stdout.buffer.write(package())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30).stdout
    assert package() == first == other
    # Every organisation that ever approved it did so under this id.
    assert package_id(first) == f"{LABEL}:39f2585d39ed49abec9568000bf3ddaed72df7f9343b1dbf1abf2f19e971be85"
    assert package_id(first).endswith(hashlib.sha256(first).hexdigest())


def test_it_holds_a_chaincode_as_a_service_with_mutual_tls_and_nothing_of_one_organisation():
    outer = contents(package())
    assert json.loads(outer["metadata.json"]) == {"type": "ccaas", "label": LABEL}
    connection = json.loads(contents(outer["code.tar.gz"])["connection.json"])
    assert connection["tls_required"] is True and connection["client_auth_required"] is True
    assert {connection[name] for name in VALUES} == {"{{.%s}}" % name for name in VALUES}  # noqa: UP031


def test_the_builder_fills_in_one_organisations_values(unpacked):
    assert run("detect", unpacked / "source", unpacked / "metadata").returncode == 0
    done = run("build", unpacked / "source", unpacked / "metadata", unpacked / "output")
    assert done.returncode == 0, done.stderr
    assert run("release", unpacked / "output", unpacked / "release").returncode == 0
    made = json.loads((unpacked / "release/chaincode/server/connection.json").read_text())
    assert made == {**VALUES, "dial_timeout": "10s", "tls_required": True, "client_auth_required": True}


def test_the_builder_takes_no_other_package(unpacked):
    (unpacked / "metadata" / "metadata.json").write_text('{"type": "golang", "label": "x"}')
    assert run("detect", unpacked / "source", unpacked / "metadata").returncode == 1


@pytest.mark.parametrize("values", [{}, {**VALUES, "client_key": None}])
def test_a_value_that_is_not_given_is_named(unpacked, values):
    done = run("build", unpacked / "source", unpacked / "metadata", unpacked / "output", values=values)
    assert done.returncode == 1
    assert "connection.json asks for" in done.stderr and "BUILDER_CONFIG does not give" in done.stderr
    assert not list((unpacked / "output").iterdir())
