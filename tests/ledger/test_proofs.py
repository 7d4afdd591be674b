"""Proofs of what a network really did: accepted by both verifiers as its own roots vouch for it, and by no others."""

import base64
import random
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common.common_pb2 import Envelope, Payload, SignatureHeader
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction

from cloud.ledger.gateway import blocks
from contract.errors import Rejected
from contract.ledger import BatchPlace, BlockHeader, FabricInclusion, LedgerRecord, OrdererSignature, OrdererWord
from contract.proof.document import MAX_BYTES, check_proof
from sentrybox.verify import read_trust
from tests.support.fabric_proof import Network, batch_of, recorded
from tests.support.ground import Client, Ground, new_record
from tests.support.two_verifiers import changed_files, go_status, go_verdicts, python_verdict


@pytest.fixture(scope="module")
def box() -> Network:
    """Of it only the box's key is used: the organisations are the ground's."""
    return Network()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def signers(block: blocks.Block, position: int) -> set[str]:
    """The MSPs under a transaction and its block, read anew from the bytes."""
    payload = Payload.FromString(Envelope.FromString(block.envelopes[position]).payload)
    action = ChaincodeActionPayload.FromString(Transaction.FromString(payload.data).actions[0].payload).action
    creators = [SignatureHeader.FromString(payload.header.signature_header).creator,
                *(endorsement.endorser for endorsement in action.endorsements),
                *(SignatureHeader.FromString(signed.header).creator for signed in block.orderer_signatures)]
    return {SerializedIdentity.FromString(creator).mspid for creator in creators}


def proven(ground: Ground, client: Client, transaction: str, record: LedgerRecord,
           batch: BatchPlace | None = None) -> FabricInclusion:
    """What the network keeps of the transaction, as an inclusion."""
    block = blocks.block_with(client.gateway, client.identity, client.channel, transaction)
    position = block.transactions.index(transaction)
    roots = {mspid: x509.load_pem_x509_certificate((ground.home / "roots" / f"{mspid}.pem").read_bytes())
             for mspid in sorted(signers(block, position))}
    return FabricInclusion(
        channel=client.channel, record=record, batch=batch, position=position,
        block=BlockHeader(number=block.header.number, previous_hash=block.header.previous_hash.hex(),
                          data_hash=block.header.data_hash.hex()),
        envelopes=tuple(map(text, block.envelopes)),
        orderer=OrdererWord(value=text(block.orderer_value), signatures=tuple(
            OrdererSignature(header=text(s.header), signature=text(s.signature)) for s in block.orderer_signatures)),
        roots={mspid: text(root.public_bytes(Encoding.DER)) for mspid, root in roots.items()})


def written(ground: Ground, client: Client, record: LedgerRecord, neighbours: int = 0) -> FabricInclusion:
    """A transaction of the record's own, sent together with others."""
    others = [client.endorse("Record", *new_record()) for _ in range(neighbours)]
    mine = client.endorse("Record", record.id, record.commitment, "1", record.severity)
    for each in (*others, mine):
        client.submit(each)
    assert client.settle(mine).name == "VALID"
    return proven(ground, client, mine.transaction, record)


def alone(ground: Ground, recorder: Client, guarded: Client, box: Network) -> bytes:
    it = recorded(box)
    return it.on(written(ground, recorder, it.record), written(ground, guarded, it.record))


def batched(ground: Ground, recorder: Client, box: Network) -> bytes:
    it = recorded(box, "low")
    batch, top = batch_of(it.record, 500, 321)
    endorsed, commit = recorder.write("RecordBatch", batch.id, top.hex(), "500", "1")
    assert commit.name == "VALID"
    return it.on(proven(ground, recorder, endorsed.transaction, it.record, batch))


def check_by_both(file: bytes, ground: Ground, folder: Path) -> list[str]:
    """The steps; both verifiers trust the ground's roots."""
    path = folder / "proof.json"
    path.write_bytes(file)
    roots = ground.home / "roots"
    assert go_status(["--trust", str(roots), str(path)]) == 0
    return check_proof(file, trusted_roots=read_trust(roots).roots)


def test_a_record_on_both_channels_is_proven_by_the_networks_own_roots(
        ground: Ground, recorder: Client, guarded: Client, box: Network, tmp_path: Path) -> None:
    steps = check_by_both(alone(ground, recorder, guarded, box), ground, tmp_path)
    assert sum("ran sentrybox on that call" in step for step in steps) == 2
    assert any("is from CampusSecMSP (client " in step for step in steps)


def test_a_record_in_a_batch_is_proven(ground: Ground, recorder: Client, box: Network, tmp_path: Path) -> None:
    assert any("leaf 321 of the 500" in step
               for step in check_by_both(batched(ground, recorder, box), ground, tmp_path))


def test_every_transaction_of_a_full_block_is_proven(ground: Ground, recorder: Client, box: Network,
                                                     tmp_path: Path) -> None:
    it = recorded(box)
    inclusion = written(ground, recorder, it.record, neighbours=9)
    file = it.on(inclusion, inclusion)
    check_by_both(file, ground, tmp_path)
    assert len(file) < MAX_BYTES // 4


def test_the_header_hash_that_is_printed_is_what_the_next_block_names(
        ground: Ground, recorder: Client, box: Network) -> None:
    it = recorded(box)
    inclusion = written(ground, recorder, it.record)
    recorder.write("Record", *new_record())
    after = blocks.block(recorder.gateway, recorder.identity, recorder.channel, inclusion.block.number + 1)
    assert any(f"header hash {after.header.previous_hash.hex()}" in step for step in check_proof(it.on(inclusion)))


def test_another_networks_roots_vouch_for_nothing(ground: Ground, recorder: Client, box: Network) -> None:
    it = recorded(box)
    file = it.on(written(ground, recorder, it.record))
    with pytest.raises(Rejected, match="not among the trusted roots"):
        check_proof(file, trusted_roots={o.mspid: {o.root} for o in box.organisations})


def test_a_repeat_that_wrote_nothing_proves_nothing(ground: Ground, recorder: Client, box: Network) -> None:
    it = recorded(box)
    written(ground, recorder, it.record)
    again, commit = recorder.write("Record", it.record.id, it.record.commitment, "1", it.record.severity)
    assert commit.name == "VALID"
    with pytest.raises(Rejected, match="does not write inc~"):
        check_proof(it.on(proven(ground, recorder, again.transaction, it.record)))


@pytest.mark.parametrize("kind", ["alone", "batched"])
def test_a_thousand_changed_bytes_are_rejected_by_both(ground: Ground, recorder: Client, guarded: Client,
                                                       box: Network, tmp_path: Path, kind: str) -> None:
    file = alone(ground, recorder, guarded, box) if kind == "alone" else batched(ground, recorder, box)
    files = changed_files(file, 1000, random.Random(kind))
    assert {name for name, changed in files.items() if python_verdict(changed)} == set()
    assert {name for name, accepted in go_verdicts(files, tmp_path).items() if accepted} == set()
