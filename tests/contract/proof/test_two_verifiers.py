"""`sentrybox verify` and the independent Go program say the same of every file."""

import random

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from contract.chain import public_key_text
from sentrybox.cli import main
from tests.support.fabric_forgeries import forgeries, tree_inclusion
from tests.support.fabric_proof import Network, batch_proof, inclusion, record_call, recorded, single_proof
from tests.support.two_verifiers import changed_files, go_status, go_verdicts, python_verdict


@pytest.fixture(scope="module")
def network():
    return Network()


def tree_proof(network):
    it = recorded(network)
    return it.on(tree_inclusion(network, it.record))


def before_kinds(network):
    """As an embedded log's proof was exported before there was Fabric."""
    return tree_proof(network).replace(b'"kind":"tree",', b"")


def mixed_proof(network):
    it = recorded(network)
    return it.on(tree_inclusion(network, it.record),
                 inclusion(network, it.record, record_call(network, "police", it.record)))


MAKERS = (single_proof, batch_proof, tree_proof, before_kinds, mixed_proof)


def test_both_accept_what_is_whole(network, tmp_path):
    files = {make.__name__: make(network) for make in MAKERS}
    files |= {f"{leaves} leaves, {index}": batch_proof(network, leaves, index)
              for leaves in (1, 2, 3, 7, 8) for index in range(leaves)}
    assert {name: python_verdict(file) for name, file in files.items()} == dict.fromkeys(files, True)
    assert go_verdicts(files, tmp_path) == dict.fromkeys(files, True)


def test_both_reject_every_forgery(network, tmp_path):
    files = {name: forgery.file for name, forgery in forgeries(network).items()}
    assert {name: python_verdict(file) for name, file in files.items()} == dict.fromkeys(files, False)
    assert go_verdicts(files, tmp_path) == dict.fromkeys(files, False)


@pytest.mark.parametrize("make", MAKERS)
def test_both_reject_a_thousand_changed_bytes(network, make, tmp_path):
    files = changed_files(make(network), 1000, random.Random(4))
    assert {name for name, file in files.items() if python_verdict(file)} == set()
    assert {name for name, accepted in go_verdicts(files, tmp_path).items() if accepted} == set()


def test_both_say_the_same_of_every_trust(network, tmp_path):
    roots = {f"{o.mspid}.pem": o.certificate for o in network.organisations}
    box, log = public_key_text(network.box), public_key_text(network.log)
    files = {make.__name__: tmp_path / make.__name__ for make in MAKERS}
    for make in MAKERS:
        files[make.__name__].write_bytes(make(network))
    files["absent"] = tmp_path / "absent"
    foreign = {**roots, "CampusMSP.pem": Network().campus.certificate}
    trusts = {"all": (roots, f"# ours\n{box.upper()}  # box\n{log}\n"), "roots": (roots, None), "no": ({}, None),
              "keys": ({}, f"{box}\n{log}"), "box": (roots, box), "foreign": (foreign, f"{box}\n{log}"),
              "missing": (dict(list(roots.items())[:2]), None), "empty": (roots, "# none yet\n"),
              "bad": (roots, "abc"), "strange": (roots, "0" * 64)}
    seen = {}
    for name, (certificates, keys) in trusts.items():
        folder = tmp_path / f"trust-{name}"
        folder.mkdir()
        for file, certificate in certificates.items():
            (folder / file).write_bytes(_pem(certificate))
        if keys is not None:
            (folder / "keys.txt").write_text(keys)
        for trust in (folder, folder / "keys.txt"):
            for file, path in files.items():
                words = ["--trust", str(trust), str(path)]
                seen[name, trust.name, file] = (main(["verify", *words]), go_status(words))
    assert {case: both for case, both in seen.items() if both[0] != both[1]} == {}
    assert {both[0] for both in seen.values()} == {0, 1, 2}
    assert seen["all", "trust-all", "mixed_proof"] == (0, 0)
    assert seen["roots", "trust-roots", "mixed_proof"] == (1, 1)


def _pem(certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
