"""The check of a FabricInclusion: from a record to the signatures under the Fabric block that holds it.

Formats: fabric-protos common/common.proto, peer/proposal.proto, peer/transaction.proto, ledger/rwset; Fabric's
protoutil (block header bytes, proposal hash) and core/common/validation (what a peer asks of a transaction).
"""

import base64
import hashlib
from typing import NamedTuple

from fabric_protos.common.common_pb2 import ENDORSER_TRANSACTION, ChannelHeader, Envelope, Payload, SignatureHeader
from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRWSet
from fabric_protos.ledger.rwset.rwset_pb2 import TxReadWriteSet
from fabric_protos.peer.chaincode_pb2 import ChaincodeInvocationSpec
from fabric_protos.peer.proposal_pb2 import ChaincodeAction, ChaincodeHeaderExtension, ChaincodeProposalPayload
from fabric_protos.peer.proposal_response_pb2 import ProposalResponsePayload
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction
from google.protobuf.message import DecodeError

from contract.canonical import canonical_bytes
from contract.errors import Rejected
from contract.ledger import BlockHeader, FabricInclusion
from contract.moments import from_epoch
from contract.proof.merkle import root_from_path
from contract.proof.signers import Member, Moment, Signers, der

CHAINCODE = "sentrybox"
ORDERER = "OrdererMSP"
WRITERS = {"general": "CampusMSP", "police": "CampusSecMSP"}
"""The one organisation whose records a channel takes: the chaincode's own rule."""
# Years 1970 to 9999: what can be written as a date.
LAST_SECOND = 253402300799
UNPROVEN = (
    "that the peers marked the transaction VALID (no signature of theirs is over that mark) and that its endorsements "
    "satisfied the channel's policy: ask a peer of an organisation you believe for the block",
    "that there is no other block with this number: the orderer's organisation is trusted for the order",
    "the transaction's time, which is its creator's word, and that no certificate had been revoked")
"""What a file cannot show of a Fabric transaction."""


class _Opened(NamedTuple):
    """An envelope taken apart. Every part is hashed or signed as the bytes it was read from."""

    envelope: Envelope
    payload: Payload
    channel: ChannelHeader
    signature: SignatureHeader
    header: ChaincodeHeaderExtension
    transaction: Transaction


def header_bytes(block: BlockHeader) -> bytes:
    """Return the DER SEQUENCE of number, previous hash and data hash: what the orderer signs, and the next block
    hashes.
    """
    number = block.number.to_bytes(block.number.bit_length() // 8 + 1, "big")
    previous, data = bytes.fromhex(block.previous_hash), bytes.fromhex(block.data_hash)
    return der(0x30, der(0x02, number) + der(0x04, previous) + der(0x04, data))


def check_fabric(inclusion: FabricInclusion) -> list[str]:
    """Check all that the file can show; return each step in words. Raises Rejected at the first that fails.

    That the roots are the right ones is for the caller to know.
    """
    if inclusion.position >= len(inclusion.envelopes):
        raise Rejected(f"block {inclusion.block.number} has {len(inclusion.envelopes)} envelopes, "
                       f"none at position {inclusion.position}")
    try:
        opened = _open(base64.b64decode(inclusion.envelopes[inclusion.position]))
        at = _time_of(opened.channel)
        signers = Signers({mspid: base64.b64decode(root) for mspid, root in inclusion.roots.items()}, at)
        steps = [*_check_block(inclusion, signers), *_check_transaction(inclusion, opened, at, signers)]
    except DecodeError as error:
        raise Rejected(f"envelope {inclusion.position} of block {inclusion.block.number} is not a transaction of "
                       f"Fabric: {error}") from error
    if signers.used != set(inclusion.roots):
        idle = ", ".join(sorted(set(inclusion.roots) - signers.used))
        raise Rejected(f"the proof has roots of organisations that signed nothing: {idle}")
    return steps


def _open(raw: bytes) -> _Opened:
    envelope = Envelope.FromString(raw)
    payload = Payload.FromString(envelope.payload)
    channel = ChannelHeader.FromString(payload.header.channel_header)
    return _Opened(envelope, payload, channel, SignatureHeader.FromString(payload.header.signature_header),
                   ChaincodeHeaderExtension.FromString(channel.extension), Transaction.FromString(payload.data))


def _time_of(header: ChannelHeader) -> Moment:
    at = Moment(header.timestamp.seconds, header.timestamp.nanos)
    if not (0 <= at.seconds <= LAST_SECOND and 0 <= at.nanos < 10**9):
        raise Rejected("the transaction's time is not one")
    return at


def _check_block(inclusion: FabricInclusion, signers: Signers) -> list[str]:
    block, name = inclusion.block, f"block {inclusion.block.number} of channel {inclusion.channel}"
    envelopes = [base64.b64decode(envelope) for envelope in inclusion.envelopes]
    for number, raw in enumerate(envelopes):
        # The hash is over their bytes in one row: without this the same row could be cut up elsewhere.
        parts = Envelope.FromString(raw)
        if not parts.payload or not parts.signature or raw != Envelope(
                payload=parts.payload, signature=parts.signature).SerializeToString():
            raise Rejected(f"envelope {number} of {name} is not exactly one payload and one signature")
    if hashlib.sha256(b"".join(envelopes)).hexdigest() != block.data_hash:
        raise Rejected(f"the envelopes are not those that the header of {name} speaks of")
    header = header_bytes(block)
    by = []
    for number, signature in enumerate(inclusion.orderer.signatures, start=1):
        signed = base64.b64decode(signature.header)
        creator = SignatureHeader.FromString(signed).creator
        member = signers.check(creator, base64.b64decode(signature.signature),
                               base64.b64decode(inclusion.orderer.value) + signed + header,
                               units=frozenset({"orderer"}), what=f"signature {number} of {name}")
        if member.mspid != ORDERER:
            raise Rejected(f"{name} is signed by {member}, not by {ORDERER}")
        by.append(str(member))
    return [f"{name} holds exactly these {len(envelopes)} transactions: none was changed, added or dropped since; "
            f"header hash {hashlib.sha256(header).hexdigest()}, which block {block.number + 1} names",
            f"{', '.join(by)} signed that header: the ordering service gave the block its place in the channel"]


def _check_transaction(inclusion: FabricInclusion, opened: _Opened, at: Moment, signers: Signers) -> list[str]:
    header, creator = opened.channel, opened.signature.creator
    called = f"transaction {header.tx_id}"
    if header.type != ENDORSER_TRANSACTION or header.epoch != 0:
        raise Rejected(f"envelope {inclusion.position} is not a transaction of a chaincode")
    if header.channel_id != inclusion.channel:
        raise Rejected(f"{called} is of channel {header.channel_id}, not {inclusion.channel}")
    if header.tx_id != hashlib.sha256(opened.signature.nonce + creator).hexdigest():
        raise Rejected(f"{called} has not the id that follows from its creator and nonce")
    writer = signers.check(creator, opened.envelope.signature, opened.envelope.payload,
                           units=frozenset({"client", "admin"}), what=called)
    recorder = WRITERS.get(inclusion.channel)
    if recorder is None:
        raise Rejected(f"{called} is on channel {inclusion.channel}, where nobody records")
    if writer.mspid != recorder:
        raise Rejected(f"{called} is by {writer}; on {inclusion.channel} only {recorder} records")
    if len(opened.transaction.actions) != 1:
        raise Rejected(f"{called} has {len(opened.transaction.actions)} actions instead of one")
    if opened.transaction.actions[0].header != opened.payload.header.signature_header:
        raise Rejected(f"the action of {called} is another creator's")
    action = ChaincodeActionPayload.FromString(opened.transaction.actions[0].payload)
    outcome = ProposalResponsePayload.FromString(action.action.proposal_response_payload)
    result = ChaincodeAction.FromString(outcome.extension)
    steps = [f"{called} is from {writer}, who signed it, dated {from_epoch(at.seconds)}",
             _check_endorsements(opened, action, outcome, signers, called)]
    if result.response.status != 200:
        raise Rejected(f"the chaincode answered {called} with status {result.response.status}, not 200")
    invocation = ChaincodeInvocationSpec.FromString(
        ChaincodeProposalPayload.FromString(action.chaincode_proposal_payload).input).chaincode_spec
    names = {opened.header.chaincode_id.name, invocation.chaincode_id.name, result.chaincode_id.name}
    if names != {CHAINCODE}:
        raise Rejected(f"{called} calls the chaincode {', '.join(sorted(names))}, not {CHAINCODE}")
    return [*steps, _check_write(inclusion, writer, header.tx_id, list(invocation.input.args), result.results)]


def _check_endorsements(opened: _Opened, action: ChaincodeActionPayload, outcome: ProposalResponsePayload,
                        signers: Signers, called: str) -> str:
    headers = opened.payload.header
    proposal = headers.channel_header + headers.signature_header + action.chaincode_proposal_payload
    if outcome.proposal_hash != hashlib.sha256(proposal).digest():
        raise Rejected(f"what was endorsed is another proposal than that of {called}")
    if not action.action.endorsements:
        raise Rejected(f"{called} has no endorsement: no peer says that it ran it")
    by = [signers.check(endorsement.endorser, endorsement.signature,
                        action.action.proposal_response_payload + endorsement.endorser,
                        units=frozenset({"peer"}), what=f"endorsement {number} of {called}")
          for number, endorsement in enumerate(action.action.endorsements, start=1)]
    return f"{', '.join(map(str, by))} ran {CHAINCODE} on that call and signed what it answered and wrote"


def _check_write(inclusion: FabricInclusion, writer: Member, transaction: str, args: list[bytes],
                 results: bytes) -> str:
    record, batch = inclusion.record, inclusion.batch
    common = {"msp": writer.mspid, "schema_version": record.schema_version, "transaction": transaction}
    if batch is None:
        wanted = ["Record", record.id, record.commitment, str(record.schema_version), record.severity]
        key, value = f"inc~{record.id}", {**common, "id": record.id, "commitment": record.commitment,
                                          "severity": record.severity}
        what = f"the call records {record.id} with this commitment"
    else:
        path = [bytes.fromhex(step) for step in batch.path]
        root = root_from_path(record.leaf(), batch.index, batch.leaves, path).hex()
        wanted = ["RecordBatch", batch.id, root, str(batch.leaves), str(record.schema_version)]
        key, value = f"batch~{batch.id}", {**common, "id": batch.id, "root": root, "leaves": batch.leaves}
        what = f"the record is leaf {batch.index} of the {batch.leaves} under the root that the call records"
    if args != [text.encode() for text in wanted]:
        raise Rejected(f"transaction {transaction} does not record this: its call is another than {wanted}")
    if _writes(results) != [(CHAINCODE, key, canonical_bytes(value))]:
        raise Rejected(f"transaction {transaction} does not write {key} as the record says, and nothing else")
    return f"{what}; {key} is all it writes"


def _writes(results: bytes) -> list[tuple[str, str, bytes | None]]:
    """(namespace, key, value) of each write; the value is None for anything but a plain write of a value."""
    found: list[tuple[str, str, bytes | None]] = []
    for space in TxReadWriteSet.FromString(results).ns_rwset:
        changes = KVRWSet.FromString(space.rwset)
        found += [(space.namespace, write.key, None if write.is_delete else write.value) for write in changes.writes]
        found += [(space.namespace, write.key, None) for write in changes.metadata_writes]
        found += [(space.namespace, private.collection_name, None) for private in space.collection_hashed_rwset]
    return found
