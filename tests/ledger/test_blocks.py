"""Blocks read through qscc: hashes, orderer signatures, both peers' views."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common.common_pb2 import SignatureHeader
from fabric_protos.msp.identities_pb2 import SerializedIdentity

from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.failures import GatewayError
from tests.support.ground import Client, Ground, new_record


@pytest.fixture(params=["general", "police"])
def writer(request: pytest.FixtureRequest, recorder: Client, guarded: Client) -> Client:
    client = recorder if request.param == "general" else guarded
    client.write("Record", *new_record())
    return client


def test_every_block_names_the_hash_of_the_one_before(writer: Client) -> None:
    chain = writer.chain()
    assert [block.header.number for block in chain] == list(range(len(chain)))
    assert chain[0].header.previous_hash == b""
    for earlier, later in pairwise(chain):
        assert later.header.previous_hash == blocks.header_hash(earlier.header)
    info = blocks.chain_info(writer.gateway, writer.identity, writer.channel)
    assert info.current_hash == blocks.header_hash(chain[-1].header)
    assert info.previous_hash == chain[-1].header.previous_hash


def test_every_block_but_the_first_is_signed_by_an_orderer(ground: Ground, writer: Client) -> None:
    root = x509.load_pem_x509_certificate((ground.home / "roots" / "OrdererMSP.pem").read_bytes())
    for block in writer.chain()[1:]:
        assert len(block.orderer_signatures) >= 1
        for signed in block.orderer_signatures:
            signer = SerializedIdentity.FromString(SignatureHeader.FromString(signed.header).creator)
            certificate = x509.load_pem_x509_certificate(signer.id_bytes)
            assert signer.mspid == "OrdererMSP"
            certificate.verify_directly_issued_by(root)
            certificate.public_key().verify(
                signed.signature, block.orderer_value + signed.header + blocks.header_bytes(block.header),
                ec.ECDSA(hashes.SHA256()))


def test_both_peers_keep_the_same_blocks(writer: Client, member: Callable[..., Client]) -> None:
    views = []
    for peer in ("CampusMSP", "PoliceMSP"):
        client = member("police", "listener", writer.channel, peers=(peer,))
        views.append([blocks.header_hash(block.header) for block in client.chain()])
    shorter = min(map(len, views))
    assert shorter > 1
    assert views[0][:shorter] == views[1][:shorter]


def test_genesis_tells_channels_apart(recorder: Client, guarded: Client) -> None:
    names = {blocks.genesis_hash(client.gateway, client.identity, client.channel) for client in (recorder, guarded)}
    assert len(names) == 2
    assert all(len(bytes.fromhex(name)) == 32 for name in names)


def test_block_that_there_is_not_is_an_error(recorder: Client) -> None:
    for call in (lambda: blocks.block(recorder.gateway, recorder.identity, "general", 10**6),
                 lambda: blocks.block_with(recorder.gateway, recorder.identity, "general", "ab" * 32)):
        with pytest.raises(GatewayError) as caught:
            call()
        assert not caught.value.retry
        assert "no such" in caught.value.message
