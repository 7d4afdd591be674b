"""The calls and writes of transactions of the ledger's chaincode, read from the envelopes of a block.

Formats: fabric-protos common/common.proto, peer/transaction.proto, ledger/rwset; the values are the chaincode's own.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from fabric_protos.common.common_pb2 import ENDORSER_TRANSACTION, ChannelHeader, Envelope, Payload, SignatureHeader
from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRWSet
from fabric_protos.ledger.rwset.rwset_pb2 import TxReadWriteSet
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from fabric_protos.peer.proposal_pb2 import ChaincodeAction
from fabric_protos.peer.proposal_response_pb2 import ProposalResponsePayload
from fabric_protos.peer.transaction_pb2 import VALID, ChaincodeActionPayload, Transaction

from cloud.ledger.gateway.blocks import Block
from contract.ledger import LedgerRecord
from contract.moments import from_epoch

RECORD, BATCH = "inc~", "batch~"


class KeyWrite(NamedTuple):
    """A key that a transaction set, and the JSON object it set it to."""

    key: str
    value: dict[str, Any]


def creator_of(envelope: bytes) -> bytes:
    """Return the serialised identity that signed it."""
    return bytes(SignatureHeader.FromString(_payload(envelope).header.signature_header).creator)


def transaction_of(envelope: bytes) -> str:
    """Return the transaction's id."""
    return str(ChannelHeader.FromString(_payload(envelope).header.channel_header).tx_id)


def made_at(envelope: bytes) -> str:
    """Return when its creator says that it was made (an Instant). The same for all that ever read this transaction."""
    at = ChannelHeader.FromString(_payload(envelope).header.channel_header).timestamp
    return from_epoch(at.seconds + at.nanos // 10**6 / 1000)


def writes_of(envelope: bytes, chaincode: str) -> list[KeyWrite]:
    """Return what it sets in the chaincode's own namespace; nothing for configuration."""
    found = []
    for action in _actions(envelope):
        response = action.action.proposal_response_payload
        results = ChaincodeAction.FromString(ProposalResponsePayload.FromString(response).extension).results
        for space in TxReadWriteSet.FromString(results).ns_rwset:
            if space.namespace == chaincode:
                found += [KeyWrite(w.key, json.loads(w.value)) for w in KVRWSet.FromString(space.rwset).writes]
    return found


def records_of(block: Block, chaincode: str) -> Iterator[LedgerRecord]:
    """Yield the records that the block's valid transactions wrote, each in its own right."""
    for envelope, code in zip(block.envelopes, block.codes, strict=True):
        if code == VALID:
            for key, value in writes_of(envelope, chaincode):
                if key.startswith(RECORD):
                    yield record_from(value)


def record_from(value: dict[str, Any]) -> LedgerRecord:
    """Return the record in a stored value."""
    return LedgerRecord(**{name: value[name] for name in LedgerRecord.model_fields})


def position_of(block: Block, transaction: str) -> int | None:
    """Return where the block has the transaction as a valid one, if it does: a repeat is marked as such."""
    places = enumerate(zip(block.transactions, block.codes, strict=True))
    return next((place for place, (name, code) in places if name == transaction and code == VALID), None)


def mspids_of(block: Block, position: int) -> dict[str, bytes]:
    """Return the organisations that signed the transaction at `position`, its endorsements or the block, each with the
    certificate (PEM) of one of its signers."""
    signers = [creator_of(block.envelopes[position])]
    for action in _actions(block.envelopes[position]):
        signers += [endorsement.endorser for endorsement in action.action.endorsements]
    signers += [SignatureHeader.FromString(signed.header).creator for signed in block.orderer_signatures]
    members = [SerializedIdentity.FromString(signer) for signer in signers]
    return {member.mspid: bytes(member.id_bytes) for member in members}


def _payload(envelope: bytes) -> Payload:
    return Payload.FromString(Envelope.FromString(envelope).payload)


def _actions(envelope: bytes) -> list[ChaincodeActionPayload]:
    payload = _payload(envelope)
    if ChannelHeader.FromString(payload.header.channel_header).type != ENDORSER_TRANSACTION:
        return []
    return [ChaincodeActionPayload.FromString(a.payload) for a in Transaction.FromString(payload.data).actions]
