"""Proofs of what a Fabric block holds, made from the block and the organisations' root certificates."""

import base64
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError

from cloud.ledger.fabric_writes import BATCH, RECORD, mspids_of, writes_of
from cloud.ledger.gateway.blocks import Block
from contract.errors import NotFound, Rejected
from contract.ids import derived_id
from contract.ledger import (
    BatchPlace,
    BlockHeader,
    FabricInclusion,
    LedgerChannel,
    LedgerRecord,
    OrdererSignature,
    OrdererWord,
)
from contract.proof.fabric import CHAINCODE, check_fabric
from contract.proof.merkle import inclusion_paths, root, root_from_path


class Roots:
    """The root certificates that proofs bring along: `folder`/MSPID.pem, one or more in each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def over(self, mspid: str, certificate_pem: bytes) -> bytes:
        """Return the DER of the root that issued this certificate. Raises Rejected that names the file when it is not
        there."""
        path = self._folder / f"{mspid}.pem"
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            found = x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise Rejected(f"no proof can be made without the root certificate of {mspid} in {path}: {error}",
                           hint="ask that organisation for it") from error
        for candidate in found:
            try:
                certificate.verify_directly_issued_by(candidate)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return candidate.public_bytes(Encoding.DER)
        raise Rejected(f"no certificate in {path} is the one that issued "
                       f"{certificate.subject.rfc4514_string()} of {mspid}", hint="add it there, beside the old one")


def batch_id(channel: LedgerChannel, top: bytes) -> str:
    """Return the id of the batch with this root: the same records are the same batch, however often they are prepared.
    """
    return derived_id("batch", channel, top.hex())


def inclusions_of(
    block: Block, position: int, channel: LedgerChannel, records: Sequence[LedgerRecord], roots: Roots
) -> tuple[FabricInclusion, ...]:
    """Return one proof for each of the records, all of those of the transaction at `position`, checked. Raises NotFound
    when that transaction wrote something else, Rejected when what the block holds does not prove it.
    """
    leaves = [record.leaf() for record in records]
    top = root(leaves)
    _must_have_written(block.envelopes[position], channel, records, top)
    places = _places(channel, leaves, top)
    try:
        first = FabricInclusion(
            channel=channel, record=records[0], batch=places[0], position=position,
            block=BlockHeader(number=block.header.number, previous_hash=block.header.previous_hash.hex(),
                              data_hash=block.header.data_hash.hex()),
            envelopes=tuple(_text(envelope) for envelope in block.envelopes),
            orderer=OrdererWord(value=_text(block.orderer_value), signatures=tuple(
                OrdererSignature(header=_text(s.header), signature=_text(s.signature))
                for s in block.orderer_signatures)),
            roots={mspid: _text(roots.over(mspid, certificate))
                   for mspid, certificate in sorted(mspids_of(block, position).items())},
        )
    except ValidationError as error:
        raise Rejected(f"block {block.header.number} of {channel} makes no proof: {error}") from error
    check_fabric(first)
    rest = (first.model_copy(update={"record": record, "batch": place})
            for record, place in zip(records[1:], places[1:], strict=True))
    return (first, *rest)


def _must_have_written(
    envelope: bytes, channel: LedgerChannel, records: Sequence[LedgerRecord], top: bytes
) -> None:
    if len(records) == 1:
        key, wanted = RECORD + records[0].id, records[0].model_dump(mode="json")
    else:
        name = batch_id(channel, top)
        key, wanted = BATCH + name, {"id": name, "root": top.hex(), "leaves": len(records)}
    for write in writes_of(envelope, CHAINCODE):
        if write.key == key and wanted.items() <= write.value.items():
            return
    raise NotFound(f"that transaction of {channel} did not write {key} with this content")


def _places(channel: LedgerChannel, leaves: Sequence[bytes], top: bytes) -> list[BatchPlace | None]:
    """Return where each record is in its batch. That its path leads to the root, which the first proof shows the
    transaction to have written, is all in which the others differ from the first.
    """
    if len(leaves) == 1:
        return [None]
    found: list[BatchPlace | None] = []
    for index, path in enumerate(inclusion_paths(leaves)):
        if root_from_path(leaves[index], index, len(leaves), path) != top:
            raise Rejected(f"the path of leaf {index} of {len(leaves)} does not lead to its batch's root")
        found.append(BatchPlace(id=batch_id(channel, top), index=index, leaves=len(leaves),
                                path=tuple(step.hex() for step in path)))
    return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
