"""The box's chain: whole chains pass, every tampering is noticed and named."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.chain import (
    GENESIS,
    Entry,
    check_chain,
    check_signature,
    commitment,
    new_salt,
    public_key_text,
    sign_entry,
)
from contract.errors import Rejected
from contract.ids import new_id
from contract.incident import LogRecord

KEY = Ed25519PrivateKey.generate()
PUBLIC = public_key_text(KEY)


def build(count, key=KEY):
    chain, previous = [], GENESIS
    for sequence in range(1, count + 1):
        entry = Entry(device="box-1", sequence=sequence, previous=previous, record_type="log", record_id=new_id(),
                      commitment="ab" * 32, at="2026-11-23T20:00:00Z")
        chain.append(sign_entry(entry, key))
        previous = entry.hash()
    return chain


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 8))
def test_a_whole_chain_passes(count):
    assert check_chain(build(count), PUBLIC) == count


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 7), st.data())
def test_removing_swapping_or_changing_is_noticed(count, data):
    chain = build(count)
    place = data.draw(st.integers(0, count - 2))
    how = data.draw(st.sampled_from(["remove", "swap", "change", "re-sign"]))
    if how == "remove":
        del chain[place]
    elif how == "swap":
        chain[place], chain[place + 1] = chain[place + 1], chain[place]
    else:
        entry = chain[place].entry.model_copy(update={"commitment": "cd" * 32})
        signed = sign_entry(entry, KEY)
        chain[place] = signed if how == "re-sign" else chain[place].model_copy(update={"entry": entry})
    with pytest.raises(Rejected):
        check_chain(chain, PUBLIC)


def test_another_boxs_key_is_not_accepted():
    with pytest.raises(Rejected, match="not signed by key"):
        check_signature(build(1)[0], public_key_text(Ed25519PrivateKey.generate()))


def test_a_walk_may_go_on_where_another_stopped():
    chain = build(6)
    assert check_chain(chain[3:], PUBLIC, previous=chain[2].entry.hash(), sequence=3) == 3


def test_the_commitment_hides_and_binds():
    log = LogRecord(id=new_id(), device="box-1", at="2026-11-23T20:00:00Z", location="Gate", kind="manual", by="guard")
    salt = new_salt()
    assert commitment(log, salt) == commitment(log, salt)
    assert commitment(log, salt) != commitment(log, new_salt())
    assert commitment(log, salt) != commitment(log.model_copy(update={"location": "Gate 2"}), salt)
