"""What is said of a ledger: both kinds of proof, their bounds, and what was stored before there were two."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contract.ledger import INCLUSION, MAX_ENVELOPES, Anchor, Base64, FabricInclusion
from contract.messages import MAX_MESSAGE, AnchorPut, decode, encode
from tests.support.fabric_forgeries import tree_inclusion
from tests.support.fabric_proof import Network, batch_call, batch_of, inclusion, record_call, recorded

TEXT = TypeAdapter(Base64)


@pytest.fixture(scope="module")
def network():
    return Network()


@pytest.fixture(scope="module")
def kinds(network):
    record = recorded(network, "low").record
    batch, top = batch_of(record, 12, 5)
    return [tree_inclusion(network, record), inclusion(network, record, record_call(network, "police", record)),
            inclusion(network, record, batch_call(network, "general", batch, top), batch)]


def test_every_kind_is_read_back_as_written(kinds):
    for each in kinds:
        assert INCLUSION.validate_json(each.model_dump_json()) == each
        assert INCLUSION.validate_python(each) is each
    assert [each.channel for each in kinds] == ["general", "police", "general"]


def test_what_names_no_kind_is_a_tree(kinds):
    assert INCLUSION.validate_json(kinds[0].model_dump_json(exclude={"kind"})) == kinds[0]
    with pytest.raises(ValidationError):
        INCLUSION.validate_json(kinds[1].model_dump_json(exclude={"kind"}))


@pytest.mark.parametrize("value", [{"kind": "other"}, {"kind": None}, {"kind": 1}, {}, [], "x", None])
def test_what_is_no_proof_is_refused(value):
    with pytest.raises(ValidationError):
        INCLUSION.validate_python(value)


@given(data=st.binary(max_size=60))
def test_bytes_have_one_text(data):
    text = base64.b64encode(data).decode()
    assert TEXT.validate_python(text) == text
    for other in (text + "\n", " " + text, text + "====", text.rstrip("=") + "!"):
        with pytest.raises(ValidationError):
            TEXT.validate_python(other)


@pytest.mark.parametrize("text", ["AB==", "AAB=", "AA", "A", "AA=A", "A_-A", "é===", "AAAA\n", "="])
def test_other_texts_are_refused(text):
    with pytest.raises(ValidationError):
        TEXT.validate_python(text)


def test_two_channels_of_the_fullest_blocks_fit_into_a_message(network):
    record = recorded(network).record
    size = len(inclusion(network, record, record_call(network, "police", record), neighbours=0,
                         position=0).envelopes[0])
    full = [inclusion(network, record, record_call(network, channel, record), neighbours=MAX_ENVELOPES // size - 2)
            for channel in ("general", "police")]
    anchors = tuple(Anchor(channel=i.channel, transaction="ab" * 32, block=300, at="2026-11-23T20:00:00.000Z")
                    for i in full)
    put = AnchorPut(record_id=record.id, anchors=anchors, inclusions=tuple(full))
    message = encode(put)
    assert 2 * MAX_ENVELOPES * 0.9 < len(message) < MAX_MESSAGE
    assert decode(AnchorPut, message) == put


def test_a_block_too_large_for_a_message_is_refused_with_what_to_do(network):
    record = recorded(network).record
    small = inclusion(network, record, record_call(network, "police", record))
    fields = small.model_dump()
    fields["envelopes"] = small.envelopes * (MAX_ENVELOPES // sum(map(len, small.envelopes)) + 1)
    with pytest.raises(ValidationError, match="lower the channel's BatchSize"):
        FabricInclusion(**fields)
