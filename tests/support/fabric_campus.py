"""A campus whose ledger is a Fabric network: records alone and in batches, with the proofs that the network gives."""

import base64
import uuid
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common.common_pb2 import Envelope, Payload, SignatureHeader
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction
from sqlmodel import select

from cloud.database.tables import AnchorRow, LedgerJobRow
from cloud.ledger.audit.fabric_books import FabricBooks
from cloud.ledger.audit.walk import Audit
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.profile import ConnectionProfile
from contract.ledger import (
    Anchor,
    BatchPlace,
    BlockHeader,
    FabricInclusion,
    LedgerRecord,
    OrdererSignature,
    OrdererWord,
)
from contract.merkle import inclusion_paths, root
from contract.moments import now
from tests.support.campus import Campus
from tests.support.ground import Client, Ground


def proven(ground: Ground, client: Client, transaction: str, record: LedgerRecord,
           batch: BatchPlace | None = None) -> FabricInclusion:
    """What the network keeps of the transaction, as a proof."""
    block = blocks.block_with(client.gateway, client.identity, client.channel, transaction)
    position = block.transactions.index(transaction)
    return FabricInclusion(
        channel=client.channel, record=record, batch=batch, position=position,
        block=BlockHeader(number=block.header.number, previous_hash=block.header.previous_hash.hex(),
                          data_hash=block.header.data_hash.hex()),
        envelopes=tuple(map(_text, block.envelopes)),
        orderer=OrdererWord(value=_text(block.orderer_value), signatures=tuple(
            OrdererSignature(header=_text(s.header), signature=_text(s.signature)) for s in block.orderer_signatures)),
        roots={mspid: _root(ground, mspid) for mspid in sorted(_signers(block, position))})


class FabricCampus(Campus):
    """`clients` write on the network by channel."""

    def __init__(self, home: Path, ground: Ground) -> None:
        super().__init__(home)
        self.ground = ground
        self.clients = {"general": Client(ground, "campus", "recorder", "general"),
                        "police": Client(ground, "campussec", "recorder", "police")}
        # Other tests write on the same network: what the audit says of them is nothing of ours.
        self._others = set(self._kinds())

    def anchor(self) -> None:
        """The urgent records by themselves, the others in one batch."""
        with self.database.read() as session:
            jobs = session.exec(select(LedgerJobRow).where(LedgerJobRow.state == "recorded")).all()
        for job in (job for job in jobs if job.urgent):
            record = LedgerRecord.model_validate_json(job.content)
            client = self.clients[job.channel]
            endorsed, _ = client.write("Record", record.id, record.commitment, "1", record.severity)
            self.keep(proven(self.ground, client, endorsed.transaction, record), endorsed.transaction)
        self.batch([LedgerRecord.model_validate_json(job.content) for job in jobs if not job.urgent])

    def batch(self, records: list[LedgerRecord], kept: int | None = None) -> str:
        """A Merkle root over the records on the general channel; the first `kept` of them (all) are noted as there."""
        client, batch_id = self.clients["general"], str(uuid.uuid4())
        leaves = [record.leaf() for record in records]
        endorsed, _ = client.write("RecordBatch", batch_id, root(leaves).hex(), str(len(leaves)), "1")
        for index, record in enumerate(records[:kept]):
            place = BatchPlace(id=batch_id, index=index, leaves=len(leaves),
                               path=tuple(step.hex() for step in inclusion_paths(leaves)[index]))
            self.keep(proven(self.ground, client, endorsed.transaction, record, place), endorsed.transaction)
        return endorsed.transaction

    def keep(self, inclusion: FabricInclusion, transaction: str) -> None:
        """The database says that the record is anchored, with this proof."""
        anchor = Anchor(channel=inclusion.channel, transaction=transaction, block=inclusion.block.number, at=now())
        with self.database.write() as session:
            session.merge(AnchorRow(record_id=inclusion.record.id, channel=inclusion.channel,
                                    anchor=anchor.model_dump_json(), inclusion=inclusion.model_dump_json()))
            session.get_one(LedgerJobRow, (inclusion.record.id, inclusion.channel)).state = "anchored"

    def books(self) -> FabricBooks:
        return FabricBooks(ConnectionProfile.read(self.ground.profile("campus")))

    def audit(self, *exports: Path, **how) -> Audit:
        return Audit(self.database, how.pop("books"), exports, **{"patience_s": -60, **how})

    def kinds(self, *exports: Path, **how) -> list[tuple[str, str]]:
        return [found for found in self._kinds(*exports, **how) if found not in self._others]

    def close(self) -> None:
        for client in self.clients.values():
            client.gateway.close()
        super().close()

    def _kinds(self, *exports: Path, **how) -> list[tuple[str, str]]:
        books = self.books()
        try:
            return super().kinds(*exports, books=books, **how)
        finally:
            books.close()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _root(ground: Ground, mspid: str) -> str:
    pem = (ground.home / "roots" / f"{mspid}.pem").read_bytes()
    return _text(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))


def _signers(block: blocks.Block, position: int) -> set[str]:
    """The MSPs under a transaction and its block."""
    payload = Payload.FromString(Envelope.FromString(block.envelopes[position]).payload)
    action = ChaincodeActionPayload.FromString(Transaction.FromString(payload.data).actions[0].payload).action
    creators = [SignatureHeader.FromString(payload.header.signature_header).creator,
                *(endorsement.endorser for endorsement in action.endorsements),
                *(SignatureHeader.FromString(signed.header).creator for signed in block.orderer_signatures)]
    return {SerializedIdentity.FromString(creator).mspid for creator in creators}
