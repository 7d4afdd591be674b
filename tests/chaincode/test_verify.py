"""Damage that changes what a file says, not just its bytes: the Go verifier answers as `sentrybox verify` does."""

import json
import random

import pytest

from contract.canonical import canonical_bytes
from tests.support.fabric_forgeries import tree_inclusion
from tests.support.fabric_proof import (
    Network,
    batch_proof,
    envelope,
    inclusion,
    record_call,
    recorded,
    single_proof,
)
from tests.support.two_verifiers import go_verdicts, python_verdict


@pytest.fixture(scope="module")
def network():
    return Network()


def same_verdicts(files: dict[str, bytes], folder) -> dict[str, bool]:
    ours = {name: python_verdict(file) for name, file in files.items()}
    theirs = go_verdicts(files, folder)
    assert {name: (ours[name], theirs[name]) for name in files if ours[name] != theirs[name]} == {}
    return ours


def test_damage_inside_a_block_that_the_orderer_signed(network, tmp_path):
    """Each parser meets it: two libraries for protobuf, two for certificates."""
    it, chance, files = recorded(network), random.Random(8), {}
    call = record_call(network, "general", it.record)
    whole = envelope(call)
    while len(files) < 400:
        raw, at = bytearray(whole), chance.randrange(len(whole))
        gone, put = chance.choice([0, 1, 1, 1, 4]), chance.randbytes(chance.choice([0, 1, 1, 1, 3]))
        raw[at:at + gone] = put
        if raw != whole:
            files[f"byte {at}: {gone} gone, {put.hex()} put"] = it.on(
                inclusion(network, it.record, call, raw=bytes(raw)))
    assert set(same_verdicts(files, tmp_path).values()) == {False}


def test_fields_that_say_something_else(network, tmp_path):
    """JSON that is canonical again after a field became another, of another kind, or none."""
    it, chance, files = recorded(network), random.Random(9), {}
    makers = [batch_proof(network), single_proof(network), it.on(tree_inclusion(network, it.record))]
    while len(files) < 800:
        document = json.loads(chance.choice(makers))
        where, name, path = chance.choice(list(_fields(document)))
        old = where[name]
        new = chance.choice([None, 0, 1, -1, 2**53 - 1, 1.5, "", "x", [], {}, True, str(old), [old]])
        where[name] = new
        if chance.random() < 0.3:
            where.pop(name)
            new = "gone"
        file = canonical_bytes(document)
        if file not in makers:
            files[f"{path} is {new!r:.20}, {len(files)}"] = file
    # Fewer ledgers are still a proof, and one kind of ledger needs no name.
    fine = ("inclusions 0 is 'gone'", "inclusions 1 is 'gone'", "inclusions 0 kind is 'gone'")
    verdicts = same_verdicts(files, tmp_path)
    assert {name for name, accepted in verdicts.items() if accepted and not name.startswith(fine)} == set()


def _fields(value, path=""):
    for name in value if isinstance(value, dict) else range(len(value)):
        here = f"{path} {name}".strip()
        yield value, name, here
        if isinstance(value[name], dict | list):
            yield from _fields(value[name], here)
