"""Validates an ordered block at one peer: form, signatures, endorsement policy, duplicates, read sets."""

from fabric_protos.common.common_pb2 import (
    CONFIG,
    ENDORSER_TRANSACTION,
    TRANSACTIONS_FILTER,
    Block,
    ChannelHeader,
    Envelope,
    Payload,
    SignatureHeader,
)
from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRWSet, RangeQueryInfo
from fabric_protos.peer import transaction_pb2 as codes
from fabric_protos.peer.chaincode_event_pb2 import ChaincodeEvent
from fabric_protos.peer.proposal_pb2 import ChaincodeHeaderExtension
from fabric_protos.peer.transaction_pb2 import Transaction
from google.protobuf.message import DecodeError

from tests.standin import crypto
from tests.standin.endorser import CHAINCODE
from tests.standin.ledger import Ledger
from tests.standin.policy import Channel, Member, NotMember
from tests.standin.state import Key, State, Value, same
from tests.standin.transaction import Endorsed, read_endorsed

# The chaincode's endorsement policy, OR('CampusMSP.peer','PoliceMSP.peer').
ENDORSERS = frozenset({"CampusMSP", "PoliceMSP"})


def commit(channel: Channel, ledger: Ledger, block: Block) -> None:
    """Adds the block to the ledger with the verdict on each of its transactions."""
    flags = [_form(channel, ledger, raw) for raw in block.data.data]
    seen: set[str] = set()
    updates: dict[Key, Value | None] = {}
    for position, (raw, flag) in enumerate(zip(block.data.data, flags, strict=True)):
        if flag != codes.VALID or _header(raw).type == CONFIG:
            continue
        transaction = read_endorsed(raw)
        if transaction.channel_header.tx_id in seen:
            flags[position] = codes.DUPLICATE_TXID
            continue
        seen.add(transaction.channel_header.tx_id)
        flags[position] = _reads(transaction, ledger.state, updates)
        if flags[position] == codes.VALID:
            _apply(transaction, updates, block.header.number, position)
    while len(block.metadata.metadata) <= TRANSACTIONS_FILTER:
        block.metadata.metadata.append(b"")
    block.metadata.metadata[TRANSACTIONS_FILTER] = bytes(flags)
    ledger.append(block)


def _header(raw: bytes) -> ChannelHeader:
    return ChannelHeader.FromString(Payload.FromString(Envelope.FromString(raw).payload).header.channel_header)


def _form(channel: Channel, ledger: Ledger, raw: bytes) -> int:
    """Everything that can be said of a transaction without its neighbours, as a TxValidationCode."""
    try:
        envelope = Envelope.FromString(raw)
        payload = Payload.FromString(envelope.payload)
    except DecodeError:
        return codes.BAD_PAYLOAD
    try:
        head = ChannelHeader.FromString(payload.header.channel_header)
        signature_header = SignatureHeader.FromString(payload.header.signature_header)
    except DecodeError:
        return codes.BAD_COMMON_HEADER
    if head.type not in (ENDORSER_TRANSACTION, CONFIG) or head.epoch:
        return codes.BAD_COMMON_HEADER
    if head.type == CONFIG:  # block 0; its signatures lie inside
        return codes.VALID
    if not signature_header.nonce or not signature_header.creator:
        return codes.BAD_COMMON_HEADER
    member = _member(channel, signature_header.creator)
    if member is None or not member.signed(envelope.payload, envelope.signature):
        return codes.BAD_CREATOR_SIGNATURE
    if head.tx_id != crypto.transaction_id(signature_header.nonce, signature_header.creator):
        return codes.BAD_PROPOSAL_TXID
    try:
        actions = Transaction.FromString(payload.data).actions
        if len(actions) != 1:
            return codes.INVALID_ENDORSER_TRANSACTION
        transaction = read_endorsed(raw)
        action_header = SignatureHeader.FromString(actions[0].header)
    except DecodeError:
        return codes.INVALID_ENDORSER_TRANSACTION
    expected = crypto.sha256(
        payload.header.channel_header + actions[0].header + transaction.action_payload.chaincode_proposal_payload
    )
    if not action_header.nonce or not action_header.creator or transaction.response_payload.proposal_hash != expected:
        return codes.INVALID_ENDORSER_TRANSACTION
    if ledger.place(head.tx_id) is not None:
        return codes.DUPLICATE_TXID
    return _endorsed(channel, transaction)


def _endorsed(channel: Channel, transaction: Endorsed) -> int:
    """Chaincode, event, namespaces written, endorsement policy."""
    action = transaction.action
    try:
        called = ChaincodeHeaderExtension.FromString(transaction.channel_header.extension).chaincode_id.name
        namespaces = transaction.namespaces
    except DecodeError:
        return codes.BAD_RWSET
    if called != action.chaincode_id.name or not called or not action.chaincode_id.version:
        return codes.INVALID_CHAINCODE
    try:
        if action.events and ChaincodeEvent.FromString(action.events).chaincode_id != called:
            return codes.INVALID_OTHER_REASON
    except DecodeError:
        return codes.INVALID_OTHER_REASON
    names = [name for name, _ in namespaces]
    if len(names) != len(set(names)):
        return codes.ILLEGAL_WRITESET
    written = {called} | {name for name, rwset in namespaces if rwset.writes or rwset.metadata_writes}
    if written != {CHAINCODE}:  # nothing else has a definition on these channels
        return codes.INVALID_CHAINCODE
    payload = transaction.action_payload.action.proposal_response_payload
    for endorsement in transaction.endorsements:
        member = _member(channel, endorsement.endorser)
        if (
            member is not None
            and member.mspid in ENDORSERS
            and member.unit == "peer"
            and member.signed(payload + endorsement.endorser, endorsement.signature)
        ):
            return codes.VALID
    return codes.ENDORSEMENT_POLICY_FAILURE


def _member(channel: Channel, creator: bytes) -> Member | None:
    try:
        return channel.membership.member(creator)
    except NotMember:
        return None


def _reads(transaction: Endorsed, state: State, updates: dict[Key, Value | None]) -> int:
    """Whether everything that was read is still as it was, the transactions before it in the block included."""
    for namespace, rwset in transaction.namespaces:
        for read in rwset.reads:
            key = (namespace, read.key)
            version = read.version if read.HasField("version") else None
            if key in updates or not same(version, state.values.get(key)):
                return codes.MVCC_READ_CONFLICT
        if not all(_unchanged(namespace, query, state, updates) for query in rwset.range_queries_info):
            return codes.PHANTOM_READ_CONFLICT
    return codes.VALID


def _unchanged(namespace: str, query: RangeQueryInfo, state: State, updates: dict[Key, Value | None]) -> bool:
    """Runs a range query again. One that was not read to its end counts up to the last key it showed."""
    values = dict(state.values)
    for key, value in updates.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
    end = query.end_key if query.itr_exhausted else query.end_key + "\0"
    now = list(State(values, {}).between(namespace, query.start_key, end))
    then = list(query.raw_reads.kv_reads)
    return len(now) == len(then) and all(
        key == read.key and same(read.version, value) for (key, value), read in zip(now, then, strict=True)
    )


def _apply(transaction: Endorsed, updates: dict[Key, Value | None], block: int, position: int) -> None:
    sets: list[tuple[str, KVRWSet]] = transaction.namespaces
    for namespace, rwset in sets:
        for write in rwset.writes:
            updates[namespace, write.key] = None if write.is_delete else Value(write.value, block, position)
