"""A record's place in a Fabric block: accepted as made, rejected with any one thing wrong."""

import base64
import json
import random
import re
import warnings
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contract.canonical import canonical_bytes
from contract.errors import Rejected
from contract.ledger import MAX_ENVELOPES, BlockHeader
from contract.proof.document import MAX_BYTES, check_proof, parse_proof, unproven
from contract.proof.fabric import UNPROVEN, header_bytes
from contract.proof.signers import P256_ORDER, check_ecdsa
from tests.support.fabric_forgeries import Forgery, forgeries
from tests.support.fabric_proof import (
    WHEN,
    Network,
    batch_proof,
    inclusion,
    record_call,
    recorded,
    single_proof,
)

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def network():
    return Network()


@pytest.fixture(scope="module")
def forged(network):
    return forgeries(network)


def accepted_changes(file: bytes, changes) -> list[tuple[int, int]]:
    accepted = []
    for position, flip in changes:
        changed = bytearray(file)
        changed[position] ^= flip
        try:
            with warnings.catch_warnings():
                # What a certificate's damaged name makes the library say is not what is examined here.
                warnings.simplefilter("ignore")
                check_proof(bytes(changed))
            accepted.append((position, flip))
        except Rejected:
            pass
    return accepted


def test_a_record_of_its_own_is_followed_on_both_channels(network):
    text = "\n".join(check_proof(single_proof(network)))
    for said in ("is the one committed to", "box box-1 signed it", "block 300 of channel general holds exactly these 3",
                 "block 300 of channel police", "OrdererMSP (orderer orderer0) signed that header",
                 "is from CampusSecMSP (client recorder)", "CampusMSP (peer peer0) ran sentrybox", "is all it writes",
                 "root of OrdererMSP: SHA-256"):
        assert said in text


@pytest.mark.parametrize(("leaves", "index"), [(1, 0), (2, 1), (12, 5), (500, 499)])
def test_a_record_in_a_batch_is_followed_to_the_root(network, leaves, index):
    text = "\n".join(check_proof(batch_proof(network, leaves, index)))
    assert f"leaf {index} of the {leaves}" in text
    assert "CampusMSP (peer peer0), PoliceMSP (peer peer0) ran" in text


def test_what_it_does_not_show_is_said(network):
    said = unproven(parse_proof(single_proof(network)))
    assert set(UNPROVEN) < set(said)
    assert any("VALID" in limit for limit in said)


@pytest.mark.parametrize("name", sorted(forgeries(Network())))
def test_a_forgery_is_rejected_for_what_is_wrong_with_it(forged, name):
    forgery: Forgery = forged[name]
    with pytest.raises(Rejected) as refused:
        check_proof(forgery.file)
    assert re.search(forgery.why, str(refused.value))


def test_certificates_count_at_the_transactions_time_to_the_second(network):
    it = recorded(network)
    call = record_call(network, "general", it.record)._replace(at=WHEN.replace(microsecond=0))

    def file(begin, end):
        peer = network.campus.member("peer0", "peer", begin=begin, end=end)
        return it.on(inclusion(network, it.record, call._replace(endorsers=(peer,))))

    at = call.at
    check_proof(file(at, at))
    for begin, end in ((at + SECOND, at + 2 * SECOND), (at - 2 * SECOND, at - SECOND)):
        with pytest.raises(Rejected, match="not valid at the transaction's time"):
            check_proof(file(begin, end))


def test_the_trusted_roots_must_have_every_root(network):
    file = single_proof(network)
    roots = {o.mspid: {o.root} for o in network.organisations}
    keys = {json.loads(file)["box_key"]}
    assert check_proof(file)[-1].startswith("the keys and roots were not checked")
    assert check_proof(file, trusted_roots=roots)[-1].startswith("all roots are trusted; the box's key was not checked")
    assert check_proof(file, trusted_roots=roots, trusted_keys=keys)[-1] == "all keys and roots are trusted"
    with pytest.raises(Rejected, match="key of box"):
        check_proof(file, trusted_roots=roots, trusted_keys={"0" * 64})
    with pytest.raises(Rejected, match=r"root of CampusMSP on general .*CampusMSP\.pem"):
        check_proof(file, trusted_keys=keys)
    for mspid in ("CampusMSP", "CampusSecMSP", "OrdererMSP"):
        with pytest.raises(Rejected, match=f"root of {mspid} "):
            check_proof(file, trusted_roots={**roots, mspid: {Network().campus.root}})
    # A whole other network of the same names signs what it likes: only the roots tell.
    check_proof(single_proof(Network()))
    with pytest.raises(Rejected, match="not among the trusted roots"):
        check_proof(single_proof(Network()), trusted_roots=roots)


@pytest.mark.parametrize("make", [single_proof, batch_proof])
def test_a_thousand_changed_bytes_are_noticed(network, make):
    file, chance = make(network), random.Random(4)
    changes = [(chance.randrange(len(file)), chance.randrange(1, 256)) for _ in range(1000)]
    assert accepted_changes(file, changes) == []


@pytest.mark.timeout(400)
def test_every_byte_counts(network):
    it = recorded(network)
    file = it.on(inclusion(network, it.record, record_call(network, "general", it.record), neighbours=0, position=0))
    assert accepted_changes(file, [(at, flip) for at in range(len(file)) for flip in (0x01, 0x20, 0x80)]) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_field_is_noticed(network, data):
    """Any leaf of the document replaced by another value of its kind, the file canonical again."""
    document = json.loads(batch_proof(network))
    where, key = document, None
    while isinstance(where if key is None else where[key], dict | list):
        where = where if key is None else where[key]
        keys = sorted(where) if isinstance(where, dict) else list(range(len(where)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
    old = where[key]
    number = st.integers(0, 2**53 - 1)
    text = st.text(max_size=90) | st.binary(max_size=99).map(lambda raw: base64.b64encode(raw).decode()) | \
        st.binary(min_size=32, max_size=32).map(bytes.hex)
    new = data.draw(number if isinstance(old, int) else text | number | st.none())
    if new == old:
        return
    where[key] = new
    with pytest.raises(Rejected):
        check_proof(canonical_bytes(document))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 4000), put=st.binary(max_size=40), gone=st.integers(0, 40))
def test_broken_messages_in_a_signed_block_are_rejected_in_words(network, cut, put, gone):
    """Damage that the orderer signed: every parser meets it, none may crash or accept."""
    it = recorded(network)
    call = record_call(network, "general", it.record)
    whole = base64.b64decode(inclusion(network, it.record, call).envelopes[1])
    at = cut % len(whole)
    raw = whole[:at] + put + whole[at + gone:]
    if raw == whole:
        return
    with pytest.raises(Rejected):
        check_proof(it.on(inclusion(network, it.record, call, raw=raw or b"\0")))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), byte=st.integers(0, 255), who=st.sampled_from(["creator", "endorser", "orderer"]))
def test_a_damaged_certificate_is_rejected_in_words(network, at, byte, who):
    """Its holder signs with it all the same: the certificate's own bytes must tell."""
    def damaged(member):
        der = bytearray(load_pem_x509_certificate(member.pem).public_bytes(Encoding.DER))
        assume(at < len(der) and der[at] != byte)
        der[at] = byte
        text = base64.encodebytes(bytes(der)).decode()
        return member._replace(pem=f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n".encode())

    it = recorded(network)
    call, orderer = record_call(network, "general", it.record), network.orderer
    if who == "creator":
        call = call._replace(writer=damaged(call.writer))
    elif who == "endorser":
        call = call._replace(endorsers=(damaged(network.peer),))
    else:
        orderer = damaged(orderer)
    with pytest.raises(Rejected), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_proof(it.on(inclusion(network, it.record, call, orderers=(orderer,))))


@given(number=st.integers(0, 2**53 - 1))
def test_a_block_header_is_the_der_of_its_parts(number):
    header = header_bytes(BlockHeader(number=number, previous_hash="ab" * 32, data_hash="cd" * 32))
    length = header[3]
    assert header[:3] == bytes((0x30, len(header) - 2, 0x02))
    assert int.from_bytes(header[4:4 + length], "big", signed=True) == number
    assert length == 1 or header[4] or header[5] & 0x80  # the shortest that is not negative
    assert header[4 + length:] == b"\x04\x20" + b"\xab" * 32 + b"\x04\x20" + b"\xcd" * 32


def test_of_the_two_signatures_that_fit_one_is_taken():
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(b"data", ec.ECDSA(hashes.SHA256())))
    low, high = sorted((s, P256_ORDER - s))
    check_ecdsa(key.public_key(), encode_dss_signature(r, low), b"data", "it")
    right = encode_dss_signature(r, low)
    unfit = "does not fit"
    for wrong, why in ((encode_dss_signature(r, high), "high S"), (right + b"\0", unfit), (b"", unfit),
                       (encode_dss_signature(r, 1), unfit), (encode_dss_signature(0, low), unfit)):
        with pytest.raises(Rejected, match=why):
            check_ecdsa(key.public_key(), wrong, b"data", "it")


def test_the_largest_proof_fits_its_limits(network):
    """Two blocks as full as an inclusion may be, beside the largest record: below MAX_BYTES."""
    it = recorded(network)
    call = record_call(network, "general", it.record)
    size = len(inclusion(network, it.record, call, neighbours=0, position=0).envelopes[0])
    full = MAX_ENVELOPES // size - 1
    both = [inclusion(network, it.record, record_call(network, channel, it.record), neighbours=full - 1)
            for channel in ("general", "police")]
    file = it.on(*both)
    check_proof(file)
    assert full >= 10, "ten transactions of ours, the channel's MaxMessageCount, must fit"
    assert len(file) < MAX_BYTES // 2
