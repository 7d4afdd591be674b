"""An exported proof: accepted as it is, rejected with any one byte changed."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.chain import GENESIS, Entry, commitment, new_salt, public_key_text, sign_entry
from contract.errors import Rejected
from contract.ids import new_id
from contract.incident import Incident, Involved
from contract.ledger import InclusionProof, LedgerRecord, TreeHead
from contract.proof.document import Proof, check_proof, parse_proof, unproven
from contract.proof.merkle import inclusion_paths, root


def signed_head(channel, tree, key):
    head = TreeHead(channel=channel, size=len(tree), root=root(tree).hex(), at="2026-11-23T20:00:01.000Z",
                    log_key=public_key_text(key), signature="0" * 128)
    return head.model_copy(update={"signature": key.sign(head.signed_bytes()).hex()})


@pytest.fixture(scope="module")
def keys():
    return {name: Ed25519PrivateKey.generate() for name in ("box", "log")}


@pytest.fixture(scope="module")
def proof(keys):
    incident = Incident(id=new_id(), device="box-1", sequence=3, kind="fall", severity="critical",
                        at="2026-11-23T20:00:00.000Z", location="Gym, north door",
                        people=(Involved(person=new_id(), part="victim", confidence=0.875),), description="fell")
    salt = new_salt()
    entry = Entry(device="box-1", sequence=7, previous=GENESIS, record_type="incident", record_id=incident.id,
                  commitment=commitment(incident, salt), at="2026-11-23T20:00:00.100Z")
    inclusions = []
    for channel in ("general", "police"):
        record = LedgerRecord(id=incident.id, commitment=entry.hash(), severity="critical")
        others = [LedgerRecord(id=new_id(), commitment="ab" * 32, severity="low").leaf() for _ in range(5)]
        tree = [*others[:2], record.leaf(), *others[2:]]
        path = tuple(step.hex() for step in inclusion_paths(tree)[2])
        head = signed_head(channel, tree, keys["log"])
        inclusions.append(InclusionProof(record=record, index=2, path=path, head=head))
    return Proof(record=incident, salt=salt, entry=sign_entry(entry, keys["box"]),
                 box_key=public_key_text(keys["box"]), inclusions=tuple(inclusions))


def test_a_whole_proof_is_accepted_and_explained(proof):
    steps = check_proof(proof.to_bytes())
    assert any("leaf 2 of the 6 of log police" in step for step in steps)
    assert "not checked" in steps[-1]


def test_trusted_keys_are_asked_for(proof, keys):
    both = {public_key_text(k) for k in keys.values()}
    assert check_proof(proof.to_bytes(), trusted_keys=both)[-1] == "all keys are trusted"
    with pytest.raises(Rejected, match="not among the 1 trusted keys"):
        check_proof(proof.to_bytes(), trusted_keys={public_key_text(keys["box"])})


def test_every_byte_counts(proof):
    data = proof.to_bytes()
    accepted = []
    for position in range(len(data)):
        for flip in (0x01, 0x20, 0x80):
            changed = bytearray(data)
            changed[position] ^= flip
            try:
                check_proof(bytes(changed))
                accepted.append((position, flip))
            except Rejected:
                pass
    assert accepted == []


@pytest.mark.parametrize("change", [lambda d: d + b"\n", lambda d: b" " + d, lambda d: d[:-1], lambda d: b"",
                                    lambda d: d.replace(b'":"', b'": "', 1), lambda d: b"[" * 100000,
                                    lambda d: b"\xff\xfe", lambda d: d * 1000])
def test_reformatted_or_broken_files_are_rejected(proof, change):
    with pytest.raises(Rejected):
        check_proof(change(proof.to_bytes()))


def test_a_proof_without_a_ledger_proves_nothing(proof):
    with pytest.raises(Rejected, match="was not anchored"):
        check_proof(proof.model_copy(update={"inclusions": ()}).to_bytes())


def test_reading_gives_back_what_was_written(proof):
    assert parse_proof(proof.to_bytes()) == proof


def test_a_proof_exported_before_there_were_two_kinds_of_ledger_holds(proof):
    old = proof.to_bytes().replace(b'"kind":"tree",', b"")
    assert old != proof.to_bytes()
    assert check_proof(old) == check_proof(proof.to_bytes())
    assert parse_proof(old) == proof
    for half in (proof.to_bytes().replace(b'"kind":"tree",', b"", 1), old + b" "):
        with pytest.raises(Rejected, match="canonical"):
            check_proof(half)


def test_what_a_signed_log_does_not_show_is_said(proof):
    assert any("same tree" in limit for limit in unproven(proof))
    assert not any("VALID" in limit for limit in unproven(proof))
