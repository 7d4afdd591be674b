"""Proofs that must be rejected: each is whole but for one thing, and signed as well as its forger could."""

import base64
import hashlib
import json
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from fabric_protos.common.common_pb2 import Envelope, Payload
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction

from contract.canonical import canonical_bytes
from contract.chain import public_key_text
from contract.ids import new_id
from contract.ledger import InclusionProof, LedgerRecord, TreeHead
from contract.proof.merkle import inclusion_paths, root
from tests.support.fabric_proof import (
    WHEN,
    Call,
    Network,
    Organisation,
    batch_call,
    batch_of,
    batch_proof,
    envelope,
    inclusion,
    record_call,
    recorded,
)

DAY = timedelta(days=1)


class Forgery(NamedTuple):
    """A file, and a pattern of what `check_proof` says of it."""

    file: bytes
    why: str


def forgeries(network: Network) -> dict[str, Forgery]:
    """All, by what is wrong with them."""
    return {**_signers(network), **_calls(network), **_blocks(network), **_batches(network), **_roots(network),
            **_trees(network), **_files(network)}


def _single(network: Network, change: Callable[[Call], Call] = lambda call: call, channel: str = "general",
            **block: Any) -> bytes:
    it = recorded(network)
    return it.on(inclusion(network, it.record, change(record_call(network, channel, it.record)), **block))


def _edit(file: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with its first inclusion changed, and canonical again."""
    document = json.loads(file)
    change(document["inclusions"][0])
    return canonical_bytes(document)


def _by(network: Network, writer) -> bytes:
    """Written by another member, in all else right."""
    def change(call: Call) -> Call:
        wrong = call._replace(writer=writer)
        value = json.loads(call.writes[0][2])
        value.update(msp=writer.mspid, transaction=wrong.id)
        content = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        return wrong._replace(writes=((*call.writes[0][:2], content),))
    return _single(network, change)


def _endorsed(network: Network, *endorsers) -> bytes:
    return _single(network, lambda call: call._replace(endorsers=endorsers))


def _signers(network: Network) -> dict[str, Forgery]:
    n, foreign = network, {name: Organisation(name) for name in ("CampusMSP", "OrdererMSP")}
    issued, unit, valid = "was not issued by the root", "is of unit", "was not valid at the transaction's time"
    high, campus = "high S", n.campus
    past, future = {"begin": WHEN - 9 * DAY, "end": WHEN - DAY}, {"begin": WHEN + DAY, "end": WHEN + 9 * DAY}
    return {
        "creator of a foreign authority of the same name": Forgery(
            _by(n, foreign["CampusMSP"].member("recorder", "client")), issued),
        "endorser of a foreign authority of the same name": Forgery(
            _endorsed(n, foreign["CampusMSP"].member("peer0", "peer")), issued),
        "orderer of a foreign authority of the same name": Forgery(
            _single(n, orderers=(foreign["OrdererMSP"].member("orderer0", "orderer"),)), issued),
        "one of two orderers foreign": Forgery(
            _single(n, orderers=(n.orderer, foreign["OrdererMSP"].member("orderer1", "orderer"))), issued),
        "no endorsement": Forgery(_endorsed(n), "no endorsement"),
        "a false endorsement beside a true one": Forgery(
            _endorsed(n, n.peer, n.police_peer._replace(key=ec.generate_private_key(ec.SECP256R1()))), "does not fit"),
        "creator signs with a high S": Forgery(
            _by(n, n.recorders["general"]._replace(high_s=True)), high),
        "endorser signs with a high S": Forgery(_endorsed(n, n.peer._replace(high_s=True)), high),
        "orderer signs with a high S": Forgery(_single(n, orderers=(n.orderer._replace(high_s=True),)), high),
        "creator's certificate expired": Forgery(_by(n, campus.member("recorder", "client", **past)), valid),
        "creator's certificate of the future": Forgery(_by(n, campus.member("recorder", "client", **future)), valid),
        "endorser's certificate expired": Forgery(_endorsed(n, campus.member("peer0", "peer", **past)), valid),
        "orderer's certificate expired": Forgery(
            _single(n, orderers=(n.orderers.member("orderer0", "orderer", **past),)), valid),
        "root expired": Forgery(_single(n, lambda call: call._replace(at=WHEN + 3650 * DAY)), valid),
        "creator is a peer": Forgery(_by(n, campus.member("peer9", "peer")), unit),
        "endorser is a client": Forgery(_endorsed(n, campus.member("client9", "client")), unit),
        "endorser of two units": Forgery(_endorsed(n, campus.member("peer9", "peer", "client")), unit),
        "endorser of no unit": Forgery(_endorsed(n, campus.member("peer9")), unit),
        "endorser is an authority": Forgery(_endorsed(n, campus.member("peer9", "peer", authority=True)), unit),
        "orderer is a client": Forgery(_single(n, orderers=(n.orderers.member("admin", "client"),)), unit),
        "orderer of another organisation": Forgery(
            _single(n, orderers=(campus.member("orderer9", "orderer"),)), "not by OrdererMSP"),
        "endorser on another curve": Forgery(
            _endorsed(n, campus.member("peer9", "peer", curve=ec.SECP384R1())), "not an ECDSA P-256 key"),
        "written by the police": Forgery(_by(n, n.police.member("listener", "client")), "only CampusMSP records"),
        "written on general by the police channel's writer": Forgery(
            _by(n, n.recorders["police"]), "only CampusMSP records"),
        "an identity that is no certificate": Forgery(
            _endorsed(n, n.peer._replace(pem=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
            "cannot be read"),
    }


def _writes(network: Network, change: Callable[[str, str, bytes], tuple]) -> Forgery:
    return Forgery(_single(network, lambda call: call._replace(writes=change(*call.writes[0]))), "does not write inc~")


def _calls(network: Network) -> dict[str, Forgery]:
    n = network

    def args(change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Forgery:
        return Forgery(_single(n, lambda call: call._replace(args=change(call.args))), "does not record this")

    def replaced(why: str, **changes: Any) -> Forgery:
        return Forgery(_single(n, lambda call: call._replace(**changes)), why)

    return {
        "writes nothing": _writes(n, lambda space, key, value: ()),
        "writes another value": _writes(n, lambda space, key, value: ((space, key, value.replace(b"crit", b"brit")),)),
        "writes the value with a space": _writes(n, lambda space, key, value: ((space, key, value + b" "),)),
        "writes another key": _writes(n, lambda space, key, value: ((space, key[:-1], value),)),
        "writes to another chaincode": _writes(n, lambda space, key, value: (("other", key, value),)),
        "writes more": _writes(n, lambda space, key, value: ((space, key, value), (space, "inc~x", value))),
        "writes more elsewhere": _writes(n, lambda space, key, value: ((space, key, value), ("other", "x", b"y"))),
        "deletes": _writes(n, lambda space, key, value: ((space, key, None),)),
        "writes metadata too": replaced("does not write", metadata_write=True),
        "writes privately too": replaced("does not write", private_write=True),
        "records another severity": args(lambda a: (*a[:4], "low")),
        "records another commitment": args(lambda a: (*a[:2], "00" * 32, *a[3:])),
        "records another version": args(lambda a: (*a[:3], "2", a[4])),
        "records another id": args(lambda a: (a[0], new_id(), *a[2:])),
        "has one argument more": args(lambda a: (*a, "")),
        "has one argument less": args(lambda a: a[:4]),
        "reads instead": args(lambda a: ("Get", *a[1:])),
        "chaincode of the header": replaced("calls the chaincode", chaincodes=("other", "sentrybox", "sentrybox")),
        "chaincode of the call": replaced("calls the chaincode", chaincodes=("sentrybox", "other", "sentrybox")),
        "chaincode of the result": replaced("calls the chaincode", chaincodes=("sentrybox", "sentrybox", "other")),
        "chaincode failed": replaced("status 500, not 200", status=500),
        "a transaction of configuration": replaced("not a transaction of a chaincode", kind=1),
        "another epoch": replaced("not a transaction of a chaincode", epoch=1),
        "two actions": replaced("2 actions instead of one", actions=2),
        "no action": replaced("0 actions instead of one", actions=0),
        "an id that does not follow": replaced("not the id that follows", transaction="ab" * 32),
        "another proposal endorsed": replaced("another proposal", endorsed_payload=b"other"),
        "an action of another creator": replaced("another creator's", action_header=b"other"),
    }


def _swap(file: bytes, other: bytes, *names: str) -> bytes:
    """The file with parts of another's first inclusion."""
    parts = json.loads(other)["inclusions"][0]
    return _edit(file, lambda i: i.update({name: parts[name] for name in names}))


def _cut_elsewhere(i: dict[str, Any]) -> None:
    first, second, third = map(base64.b64decode, i["envelopes"])
    i["envelopes"] = [_text(first), _text(second), _text(third[:10]), _text(third[10:])]


def _joined(i: dict[str, Any]) -> None:
    first, second, third = map(base64.b64decode, i["envelopes"])
    i["envelopes"], i["position"] = [_text(first), _text(second + third)], 1


def _stripped(i: dict[str, Any]) -> None:
    """One endorsement taken out of a transaction that had two; block and header made to fit, as no orderer would."""
    outer = Envelope.FromString(base64.b64decode(i["envelopes"][1]))
    payload = Payload.FromString(outer.payload)
    transaction = Transaction.FromString(payload.data)
    action = ChaincodeActionPayload.FromString(transaction.actions[0].payload)
    del action.action.endorsements[1]
    transaction.actions[0].payload = action.SerializeToString()
    payload.data = transaction.SerializeToString()
    outer.payload = payload.SerializeToString()
    i["envelopes"][1] = _text(outer.SerializeToString())
    data = b"".join(map(base64.b64decode, i["envelopes"]))
    i["block"]["data_hash"] = hashlib.sha256(data).hexdigest()


def _blocks(network: Network) -> dict[str, Forgery]:
    n, one, two = network, _single(network), _single(network)
    other_data, unsigned = "not those that the header", r"signature of signature 1 of block \d+ .* does not fit"
    it = recorded(n)
    call = record_call(n, "general", it.record)
    unsigned_envelope = Envelope(payload=Envelope.FromString(envelope(call)).payload).SerializeToString()
    elsewhere = inclusion(n, it.record, call).model_copy(update={"channel": "police"})
    return {
        "another block's header": Forgery(_swap(one, two, "block"), other_data),
        "another block's header and orderer": Forgery(_swap(one, two, "block", "orderer"), other_data),
        "another block's orderer": Forgery(_swap(one, two, "orderer"), unsigned),
        "another block": Forgery(_swap(one, two, "block", "orderer", "envelopes"), "does not record this"),
        "another block's envelopes": Forgery(_swap(one, two, "envelopes"), other_data),
        "another record's transaction": Forgery(_swap(one, two, *json.loads(one)["inclusions"][0]), "another record"),
        "the block renumbered": Forgery(_edit(one, lambda i: i["block"].update(number=301)), unsigned),
        "the block renumbered 0": Forgery(_edit(one, lambda i: i["block"].update(number=0)), unsigned),
        "the block before it another": Forgery(
            _edit(one, lambda i: i["block"].update(previous_hash="0" * 64)), unsigned),
        "the orderer's value another": Forgery(_edit(one, lambda i: i["orderer"].update(value="AAAA")), unsigned),
        "no orderer": Forgery(_edit(one, lambda i: i["orderer"].update(signatures=[])), "not a Sentrybox proof"),
        "another position": Forgery(_edit(one, lambda i: i.update(position=0)), "does not record this"),
        "no such position": Forgery(_edit(one, lambda i: i.update(position=3)), "none at position 3"),
        "envelopes in another order": Forgery(_edit(one, lambda i: i["envelopes"].reverse()), other_data),
        "an envelope less": Forgery(_edit(one, lambda i: i["envelopes"].pop()), other_data),
        "two envelopes as one": Forgery(_edit(one, _joined), "not exactly one payload and one signature"),
        "envelopes cut elsewhere": Forgery(_edit(one, _cut_elsewhere), "payload and one signature|not a transaction"),
        "an envelope that nobody signed": Forgery(
            it.on(inclusion(n, it.record, call, raw=unsigned_envelope)), "not exactly one payload and one signature"),
        "an envelope that is none": Forgery(it.on(inclusion(n, it.record, call, raw=b"\xff")), "not a transaction of"),
        "an empty envelope": Forgery(it.on(inclusion(n, it.record, call, raw=b"\x0a\x00")), "."),
        "general's transaction as the police channel's": Forgery(it.on(elsewhere), "is of channel general, not police"),
        "an endorsement taken out of the block": Forgery(_edit(batch_proof(n), _stripped), unsigned),
    }


def _batches(network: Network) -> dict[str, Forgery]:
    n, file = network, batch_proof(network, 12, 5)
    other_root = "does not record this"
    it = recorded(n, "low")
    batch, _ = batch_of(it.record, 12, 5)
    call = batch_call(n, "general", batch, bytes(32))
    lied = it.on(inclusion(n, it.record, call, batch))

    def edit(change: Callable[[dict[str, Any]], object]) -> bytes:
        return _edit(file, lambda i: change(i["batch"]))

    return {
        "a batch with another root": Forgery(lied, other_root),
        "a batch's path swapped": Forgery(edit(lambda b: b["path"].reverse()), other_root),
        "a batch's path too short": Forgery(edit(lambda b: b["path"].pop()), "too short"),
        "a batch's path too long": Forgery(edit(lambda b: b["path"].append("0" * 64)), "too long"),
        "another index": Forgery(edit(lambda b: b.update(index=4)), other_root),
        "an index outside": Forgery(edit(lambda b: b.update(index=12)), "is not in a tree of 12"),
        # Leaf 5 of 12 leads to the same root as leaf 5 of 11: only the call says how many there are.
        "another number of leaves": Forgery(edit(lambda b: b.update(leaves=11)), other_root),
        "another batch's id": Forgery(edit(lambda b: b.update(id=new_id())), other_root),
        "a batch as a record of its own": Forgery(_edit(file, lambda i: i.update(batch=None)), other_root),
        "a record of its own as a batch of one": Forgery(_edit(_single(n), lambda i: i.update(
            batch={"id": i["record"]["id"], "index": 0, "leaves": 1, "path": []})), other_root),
        "the leaf of another severity": Forgery(
            _edit(file, lambda i: i["record"].update(severity="high")), other_root),
    }


def _roots(network: Network) -> dict[str, Forgery]:
    n, file = network, _single(network)
    foreign, leaf = Organisation("CampusMSP"), _der_of(n.peer.pem)
    padded = base64.b64decode(json.loads(file)["inclusions"][0]["roots"]["CampusMSP"])
    weak = copy(network)
    weak.police = Organisation("PoliceMSP", signs=False)

    def root_of(content: bytes) -> bytes:
        return _edit(file, lambda i: i["roots"].update(CampusMSP=_text(content)))

    return {
        "a foreign root": Forgery(root_of(foreign.root), "was not issued by the root"),
        "a root that is no authority": Forgery(root_of(leaf), "not the certificate of an authority"),
        "a root that may not sign certificates": Forgery(
            _endorsed(weak, weak.police.member("peer0", "peer")), "not the certificate of an authority"),
        "a root that is no certificate": Forgery(root_of(b"0"), "is not a certificate"),
        "a root with a byte behind it": Forgery(root_of(padded + b"\0"), "is not"),
        "a root whose own signature is another": Forgery(
            root_of(padded[:-1] + bytes([padded[-1] ^ 1])), "was not issued by"),
        "a root for nobody": Forgery(
            _edit(file, lambda i: i["roots"].update(PoliceMSP=_text(n.police.root))), "signed nothing: PoliceMSP"),
        "a root missing": Forgery(_edit(file, lambda i: i["roots"].pop("OrdererMSP")), "whose root the proof does not"),
        "roots of two organisations swapped": Forgery(_edit(file, lambda i: i.update(
            roots={"CampusMSP": i["roots"]["OrdererMSP"], "OrdererMSP": i["roots"]["CampusMSP"]})), "was not issued"),
    }


def tree_inclusion(network: Network, record: LedgerRecord, size: int = 6, index: int = 2) -> InclusionProof:
    """The record in an embedded log."""
    tree = [LedgerRecord(id=new_id(), commitment="ab" * 32, severity="low").leaf() for _ in range(size)]
    tree[index] = record.leaf()
    path = tuple(step.hex() for step in inclusion_paths(tree)[index])
    return InclusionProof(record=record, index=index, path=path, head=_head(network, tree))


def _head(network: Network, tree: list[bytes]) -> TreeHead:
    head = TreeHead(channel="general", size=len(tree), root=root(tree).hex(), at="2024-11-23T20:00:01.000Z",
                    log_key=public_key_text(network.log), signature="0" * 128)
    return head.model_copy(update={"signature": network.log.sign(head.signed_bytes()).hex()})


def _trees(network: Network) -> dict[str, Forgery]:
    it = recorded(network)
    whole = tree_inclusion(network, it.record)
    leaf, file = it.record.leaf(), it.on(whole)
    older = _head(network, [leaf] * 5)
    return {
        "an older tree head": Forgery(it.on(whole.model_copy(update={"head": older})), "not leaf 2|too long|too short"),
        "a tree's path swapped": Forgery(_edit(file, lambda i: i["path"].reverse()), "is not leaf 2"),
        "a tree head that nobody signed": Forgery(
            _edit(file, lambda i: i["head"].update(size=7)), "is not signed by key"),
        "a tree as a block": Forgery(_edit(file, lambda i: i.update(kind="fabric")), "not a Sentrybox proof"),
        "a tree of no kind beside a block": Forgery(_kindless_beside_a_block(network), "not the canonical bytes"),
    }


def _kindless_beside_a_block(network: Network) -> bytes:
    it = recorded(network)
    file = it.on(tree_inclusion(network, it.record),
                 inclusion(network, it.record, record_call(network, "general", it.record)))
    return _edit(file, lambda i: i.pop("kind"))


def _files(network: Network) -> dict[str, Forgery]:
    file = _single(network)
    first = json.loads(file)["inclusions"][0]
    root_text = first["roots"]["CampusMSP"]
    no_proof = "not a Sentrybox proof"
    return {
        "a block as a tree": Forgery(_edit(file, lambda i: i.update(kind="tree")), no_proof),
        "of an unknown kind": Forgery(_edit(file, lambda i: i.update(kind="chain")), no_proof),
        "an unknown field": Forgery(_edit(file, lambda i: i.update(note="")), no_proof),
        "a field missing": Forgery(_edit(file, lambda i: i.pop("batch")), no_proof),
        "base64 that is not canonical": Forgery(
            _edit(file, lambda i: i["orderer"].update(value="AB==")), no_proof),
        "base64 without padding": Forgery(_edit(file, lambda i: i["orderer"].update(value="AA")), no_proof),
        "base64 of another alphabet": Forgery(_edit(file, lambda i: i["orderer"].update(value="A_-A")), no_proof),
        "base64 with a line break": Forgery(
            _edit(file, lambda i: i["roots"].update(CampusMSP=root_text[:64] + "\n" + root_text[64:])), no_proof),
        "an organisation's name in other letters": Forgery(
            _edit(file, lambda i: i["roots"].update({"Campus MSP": root_text})), no_proof),
        "envelopes beyond the limit": Forgery(
            _edit(file, lambda i: i["envelopes"].extend(i["envelopes"][:1] * 60)), "fit into a proof"),
        "the same key twice": Forgery(file.replace(b'"batch":null', b'"batch":null,"batch":null', 1), "canonical"),
        "a number as text": Forgery(_edit(file, lambda i: i.update(position="1")), "canonical"),
        "a number with a fraction": Forgery(file.replace(b'"position":1', b'"position":1.0', 1), "canonical"),
        "a truth as a number": Forgery(file.replace(b'"position":1', b'"position":true', 1), "canonical"),
        "spaces": Forgery(file.replace(b'"position":1', b'"position": 1', 1), "canonical"),
        "no ledger": Forgery(canonical_bytes({**json.loads(file), "inclusions": []}), "was not anchored"),
        "a key of no box": Forgery(canonical_bytes({**json.loads(file), "box_key": "0" * 64}), "is not signed by"),
    }


def _der_of(pem: bytes) -> bytes:
    return load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
