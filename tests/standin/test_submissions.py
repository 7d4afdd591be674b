"""What an orderer takes, and what becomes of it in a block: the same on the stand-in and on a real network."""

import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import utils
from fabric_protos.common.common_pb2 import CONFIG, Block, ChannelHeader, Envelope, Payload
from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRWSet, KVWrite
from fabric_protos.ledger.rwset.rwset_pb2 import TxReadWriteSet
from fabric_protos.peer.proposal_pb2 import ChaincodeAction
from fabric_protos.peer.proposal_response_pb2 import ProposalResponsePayload
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction, TxValidationCode
from google.protobuf.message import DecodeError

from tests.standin import forge
from tests.standin.crypto import ORDER, Signer
from tests.standin.forge import Caller, Outcome, Proposed, Wrong, propose
from tests.support.ground import Ground, new_record

FORBIDDEN = (
    "received unsuccessful response from orderer: status=FORBIDDEN, info=implicit policy evaluation failed - 0 "
    "sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: "
    "permission denied"
)
BAD = "received unsuccessful response from orderer: status=BAD_REQUEST, info="
MUTATIONS = 150


@pytest.fixture
def caller(ground: Ground, call) -> Caller:
    return call(ground)


@pytest.fixture
def recorder(ground: Ground, who) -> Signer:
    return who(ground, "campus", "recorder")


def signed(caller: Caller, signer: Signer, proposed: Proposed) -> Envelope:
    envelope = caller.prepared(proposed)
    envelope.signature = signer.sign(envelope.payload)
    return envelope


def record(signer: Signer) -> Proposed:
    return propose(signer, "general", "Record", *new_record())


def test_what_an_orderer_refuses(ground: Ground, caller: Caller, recorder: Signer, who) -> None:
    good = signed(caller, recorder, record(recorder))

    def sent(signature: bytes | None = None, **header: object) -> Outcome:
        payload = Payload.FromString(good.payload)
        head = ChannelHeader.FromString(payload.header.channel_header)
        for name, value in header.items():
            setattr(head, name, value)
        payload.header.channel_header = head.SerializeToString()
        raw = payload.SerializeToString()
        return caller.submit("general", Envelope(payload=raw, signature=signature or recorder.sign(raw)))

    other = who(ground, "campus", "reader")
    assert caller.submit("general", None) == Outcome("INVALID_ARGUMENT", "a prepared transaction is required")
    assert caller.submit("general", Envelope(payload=good.payload)) == Outcome(
        "INVALID_ARGUMENT", "prepared transaction must be signed"
    )
    assert sent(forge.high_s(recorder)(good.payload)) == Outcome("ABORTED", FORBIDDEN)
    assert sent(other.sign(good.payload)) == Outcome("ABORTED", FORBIDDEN)
    assert sent(channel_id="police") == Outcome("ABORTED", FORBIDDEN)
    assert sent(type=CONFIG) == Outcome("ABORTED", f"{BAD}message is of type that cannot be processed directly")
    assert sent(channel_id="nosuch").message.startswith(BAD)
    assert caller.submit("general", Envelope(payload=b"\xff\xff", signature=b"x")).message.startswith(BAD)
    assert caller.submit("general", Envelope(signature=b"x")) == Outcome(
        "ABORTED", f"{BAD}could not determine channel ID: header not set"
    )
    assert caller.submit("nosuch", good).code == "FAILED_PRECONDITION"


def test_a_very_large_envelope_is_refused(caller: Caller, recorder: Signer) -> None:
    good = signed(caller, recorder, record(recorder))
    payload = Payload.FromString(good.payload)
    payload.data += b"\x9a\x3e" + b"\x80\x80\x80\x05" + bytes(10 << 20)
    raw = payload.SerializeToString()
    refused = caller.submit("general", Envelope(payload=raw, signature=recorder.sign(raw)))
    assert refused.code == "ABORTED"
    assert "bytes and exceeds maximum allowed 10485760 bytes" in refused.message


Change = Callable[[Payload, Transaction, ChaincodeActionPayload, Signer], None]


def changed(caller: Caller, signer: Signer, change: Change) -> tuple[str, Envelope]:
    """An endorsed transaction that its creator altered and signed."""
    proposed = record(signer)
    payload = Payload.FromString(caller.prepared(proposed).payload)
    transaction = Transaction.FromString(payload.data)
    action = ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    change(payload, transaction, action, signer)
    transaction.actions[0].payload = action.SerializeToString()
    payload.data = transaction.SerializeToString()
    raw = payload.SerializeToString()
    return proposed.transaction, Envelope(payload=raw, signature=signer.sign(raw))


def _signature(payload, transaction, action, signer) -> None:
    action.action.endorsements[0].signature = b"x"


def _nobody(payload, transaction, action, signer) -> None:
    del action.action.endorsements[:]


def _client(payload, transaction, action, signer) -> None:
    endorsement = action.action.endorsements[0]
    endorsement.endorser = signer.creator
    endorsement.signature = signer.sign(action.action.proposal_response_payload + signer.creator)


def _high(payload, transaction, action, signer) -> None:
    endorsement = action.action.endorsements[0]
    r, s = utils.decode_dss_signature(endorsement.signature)
    endorsement.signature = utils.encode_dss_signature(r, ORDER - s)


def _value(payload, transaction, action, signer) -> None:
    answer = ProposalResponsePayload.FromString(action.action.proposal_response_payload)
    done = ChaincodeAction.FromString(answer.extension)
    done.results = done.results.replace(b'"severity":"high"', b'"severity":"none"')
    answer.extension = done.SerializeToString()
    action.action.proposal_response_payload = answer.SerializeToString()


def _proposal(payload, transaction, action, signer) -> None:
    action.chaincode_proposal_payload = b""


def _second(payload, transaction, action, signer) -> None:
    transaction.actions.append(transaction.actions[0])


def _header(payload, transaction, action, signer) -> None:
    transaction.actions[0].header = b""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_signature, "ENDORSEMENT_POLICY_FAILURE"),
        (_nobody, "ENDORSEMENT_POLICY_FAILURE"),
        (_client, "ENDORSEMENT_POLICY_FAILURE"),
        (_high, "ENDORSEMENT_POLICY_FAILURE"),
        (_value, "ENDORSEMENT_POLICY_FAILURE"),
        (_proposal, "INVALID_ENDORSER_TRANSACTION"),
        (_second, "INVALID_ENDORSER_TRANSACTION"),
        (_header, "INVALID_ENDORSER_TRANSACTION"),
    ],
)
def test_what_was_altered_after_the_endorsement_is_invalid(
    caller: Caller, recorder: Signer, change: Change, code: str
) -> None:
    transaction, envelope = changed(caller, recorder, change)
    assert caller.submit("general", envelope).code == "OK"
    status = caller.status(recorder, "general", transaction)
    assert TxValidationCode.Name(status.value.result) == code


def reendorsed(ground: Ground, alter: Callable[[ChaincodeAction], None]) -> Change:
    """As if the campus peer itself had endorsed it so."""
    peer = Signer("CampusMSP", ground.home / "organisations" / "campus" / "nodes" / "peer0" / "msp")

    def change(payload, transaction, action, signer) -> None:
        answer = ProposalResponsePayload.FromString(action.action.proposal_response_payload)
        done = ChaincodeAction.FromString(answer.extension)
        alter(done)
        answer.extension = done.SerializeToString()
        raw = action.action.proposal_response_payload = answer.SerializeToString()
        endorsement = action.action.endorsements[0]
        endorsement.endorser, endorsement.signature = peer.creator, peer.sign(raw + peer.creator)

    return change


def _nothing(done: ChaincodeAction) -> None:
    return


def _chaincode(done: ChaincodeAction) -> None:
    done.chaincode_id.name = "other"


def _version(done: ChaincodeAction) -> None:
    done.chaincode_id.version = ""


def _writes_elsewhere(done: ChaincodeAction) -> None:
    sets = TxReadWriteSet.FromString(done.results)
    sets.ns_rwset.add(namespace="other", rwset=KVRWSet(writes=[KVWrite(key="a")]).SerializeToString())
    done.results = sets.SerializeToString()


def _junk(done: ChaincodeAction) -> None:
    done.results = b"\xff"


def _event(done: ChaincodeAction) -> None:
    done.events = b"\xff"


def _range(done: ChaincodeAction) -> None:
    """Claims that there are no records at all, where the test before made one."""
    sets = TxReadWriteSet.FromString(done.results)
    rwset = KVRWSet.FromString(sets.ns_rwset[-1].rwset)
    query = rwset.range_queries_info.add(start_key="inc~", end_key="inc~~", itr_exhausted=True)
    query.raw_reads.SetInParent()
    sets.ns_rwset[-1].rwset = rwset.SerializeToString()
    done.results = sets.SerializeToString()


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (_nothing, "VALID"),
        (_chaincode, "INVALID_CHAINCODE"),
        (_version, "INVALID_CHAINCODE"),
        (_writes_elsewhere, "INVALID_CHAINCODE"),
        (_junk, "BAD_RWSET"),
        (_event, "INVALID_OTHER_REASON"),
        (_range, "PHANTOM_READ_CONFLICT"),
    ],
)
def test_what_a_peer_must_not_endorse_is_invalid_anyway(
    ground: Ground, caller: Caller, recorder: Signer, alter: Callable[[ChaincodeAction], None], code: str
) -> None:
    transaction, envelope = changed(caller, recorder, reendorsed(ground, alter))
    assert caller.submit("general", envelope).code == "OK"
    status = caller.status(recorder, "general", transaction)
    assert TxValidationCode.Name(status.value.result) == code


def test_duplicates_and_conflicts_in_one_block(caller: Caller, recorder: Signer) -> None:
    same = new_record()
    first, second = (propose(recorder, "general", "Record", *same) for _ in range(2))
    envelopes = [signed(caller, recorder, proposed) for proposed in (first, second)]
    for envelope in (envelopes[0], envelopes[0], envelopes[1]):
        assert caller.submit("general", envelope).code == "OK"
    won = caller.status(recorder, "general", first.transaction).value
    lost = caller.status(recorder, "general", second.transaction).value
    assert [TxValidationCode.Name(code) for code in (won.result, lost.result)] == ["VALID", "MVCC_READ_CONFLICT"]
    assert codes(caller, recorder, first.transaction) == ["VALID", "DUPLICATE_TXID", "MVCC_READ_CONFLICT"]

    again = caller.endorse(first)
    assert f"duplicate transaction found [{first.transaction}]" in again.details[0][1]
    caller.submit("general", envelopes[0])
    other = record(recorder)
    caller.submit("general", signed(caller, recorder, other))
    later = caller.status(recorder, "general", other.transaction).value
    assert codes(caller, recorder, other.transaction) == ["DUPLICATE_TXID", "VALID"]
    repeat = caller.status(recorder, "general", first.transaction).value
    assert (repeat.result, repeat.block_number) == (won.result, won.block_number)
    assert later.block_number > repeat.block_number


def codes(caller: Caller, signer: Signer, transaction: str) -> list[str]:
    answer = caller.evaluate(
        propose(signer, "general", "GetBlockByTxID", "general", transaction, wrong=Wrong(chaincode="qscc"))
    )
    block = Block.FromString(answer.value.result.payload)
    return [TxValidationCode.Name(code) for code in block.metadata.metadata[2]]


def test_no_single_changed_byte_gets_through(caller: Caller, recorder: Signer) -> None:
    """Of the proposal no endorsement comes, of the envelope no valid transaction under a signature that was not made
    for it."""
    rng = random.Random("standin")
    proposed = record(recorder)
    envelope = signed(caller, recorder, proposed)
    for _ in range(MUTATIONS):
        raw = mutated(rng, proposed.signed.SerializeToString())
        try:
            altered = type(proposed.signed).FromString(raw)
        except DecodeError:
            continue
        if altered != proposed.signed:
            code = caller.endorse(proposed._replace(signed=altered)).code
            assert code in ("ABORTED", "INVALID_ARGUMENT", "FAILED_PRECONDITION")
        payload = Envelope(payload=mutated(rng, envelope.payload), signature=envelope.signature)
        assert caller.submit("general", payload).code == "ABORTED"
    assert caller.submit("general", envelope).code == "OK"
    assert caller.status(recorder, "general", proposed.transaction).value.result == 0


def mutated(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ rng.randrange(1, 256)]) + data[place + 1 :]
