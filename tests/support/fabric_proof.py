"""Proofs of a Fabric ledger without a network: organisations, a transaction, its block, all made here.

Shares no code with the client or the checks. A Call says everything about a transaction, so a test makes a wrong one
with `call._replace(...)`; `inclusion` puts it into a signed block.
"""

import base64
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2

from contract.chain import GENESIS, Entry, commitment, new_salt, public_key_text, sign_entry
from contract.ids import new_id
from contract.incident import Incident, Involved
from contract.ledger import BatchPlace, BlockHeader, FabricInclusion, LedgerRecord, OrdererSignature, OrdererWord
from contract.proof.document import Proof
from contract.proof.merkle import inclusion_paths, root

P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Long ago: every member certificate made here has expired since, as those of a proof kept for years have.
WHEN = datetime(2024, 11, 23, 20, 0, 1, 250_000, UTC)
YEAR = timedelta(days=365)


class Member(NamedTuple):
    """Somebody who can sign for an organisation. high_s: with the signature that Fabric refuses."""

    mspid: str
    key: ec.EllipticCurvePrivateKey
    pem: bytes
    high_s: bool = False

    @property
    def creator(self) -> bytes:
        return SerializedIdentity(mspid=self.mspid, id_bytes=self.pem).SerializeToString()

    def sign(self, data: bytes) -> bytes:
        signature = self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        if not isinstance(self.key.curve, ec.SECP256R1):
            return signature
        r, s = decode_dss_signature(signature)
        low = min(s, P256_N - s)
        return encode_dss_signature(r, P256_N - low if self.high_s else low)


class Organisation:
    """A certificate authority of its own; `signs`: whether its root says that it may sign certificates."""

    def __init__(self, mspid: str, signs: bool = True) -> None:
        self.mspid, self._key = mspid, ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, mspid),
                          x509.NameAttribute(NameOID.COMMON_NAME, f"ca.{mspid}")])
        self.certificate = _certificate(name, name, self._key.public_key(), self._key, WHEN - YEAR, WHEN + 9 * YEAR,
                                        authority=True, signs=signs)

    @property
    def root(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def member(self, name: str, *units: str, begin: datetime = WHEN - YEAR, end: datetime = WHEN + YEAR,
               curve: ec.EllipticCurve | None = None, authority: bool = False) -> Member:
        key = ec.generate_private_key(curve or ec.SECP256R1())
        parts = [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units] + [(NameOID.COMMON_NAME, name)]
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
        certificate = _certificate(subject, self.certificate.subject, key.public_key(), self._key, begin, end,
                                   authority=authority, signs=authority)
        return Member(self.mspid, key, certificate.public_bytes(Encoding.PEM))


class Network:
    """The four organisations and one of everybody."""

    def __init__(self) -> None:
        self.campus, self.campussec = Organisation("CampusMSP"), Organisation("CampusSecMSP")
        self.police, self.orderers = Organisation("PoliceMSP"), Organisation("OrdererMSP")
        self.recorders = {"general": self.campus.member("recorder", "client"),
                          "police": self.campussec.member("recorder", "client")}
        self.peer = self.campus.member("peer0", "peer")
        self.police_peer = self.police.member("peer0", "peer")
        self.orderer = self.orderers.member("orderer0", "orderer")
        self.box, self.log = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        return self.campus, self.campussec, self.police, self.orderers


class Call(NamedTuple):
    """A transaction. `writes`: (namespace, key, value), with the value None for a deletion."""

    channel: str
    writer: Member
    endorsers: tuple[Member, ...]
    nonce: bytes
    args: tuple[str, ...]
    writes: tuple[tuple[str, str, bytes | None], ...]
    chaincodes: tuple[str, str, str] = ("sentrybox", "sentrybox", "sentrybox")
    at: datetime = WHEN
    status: int = 200
    kind: int = common_pb2.ENDORSER_TRANSACTION
    epoch: int = 0
    actions: int = 1
    transaction: str = ""
    endorsed_payload: bytes = b""
    action_header: bytes = b""
    metadata_write: bool = False
    private_write: bool = False

    @property
    def id(self) -> str:
        return self.transaction or hashlib.sha256(self.nonce + self.writer.creator).hexdigest()


def record_call(network: Network, channel: str, record: LedgerRecord) -> Call:
    """The call of a transaction of the record's own."""
    writer, nonce = network.recorders[channel], os.urandom(24)
    value = {"commitment": record.commitment, "id": record.id, "msp": writer.mspid, "schema_version": 1,
             "severity": record.severity, "transaction": hashlib.sha256(nonce + writer.creator).hexdigest()}
    return Call(channel, writer, (network.peer,), nonce,
                ("Record", record.id, record.commitment, "1", record.severity),
                (("sentrybox", f"inc~{record.id}", _json(value)),))


def batch_call(network: Network, channel: str, batch: BatchPlace, top: bytes) -> Call:
    """The call that records a batch's root."""
    writer, nonce = network.recorders[channel], os.urandom(24)
    value = {"id": batch.id, "leaves": batch.leaves, "msp": writer.mspid, "root": top.hex(), "schema_version": 1,
             "transaction": hashlib.sha256(nonce + writer.creator).hexdigest()}
    return Call(channel, writer, (network.peer, network.police_peer), nonce,
                ("RecordBatch", batch.id, top.hex(), str(batch.leaves), "1"),
                (("sentrybox", f"batch~{batch.id}", _json(value)),))


def batch_of(record: LedgerRecord, leaves: int, index: int) -> tuple[BatchPlace, bytes]:
    """A batch of `leaves` with the record at `index`, and its root."""
    tree = [LedgerRecord(id=new_id(), commitment="ab" * 32, severity="low").leaf() for _ in range(leaves)]
    tree[index] = record.leaf()
    path = tuple(step.hex() for step in inclusion_paths(tree)[index])
    return BatchPlace(id=new_id(), index=index, leaves=leaves, path=path), root(tree)


def envelope(call: Call) -> bytes:
    """The transaction as it is ordered: common.Envelope."""
    names = [chaincode_pb2.ChaincodeID(name=name) for name in call.chaincodes]
    header = common_pb2.ChannelHeader(
        type=call.kind, channel_id=call.channel, tx_id=call.id, epoch=call.epoch,
        extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=names[0]).SerializeToString())
    header.timestamp.FromDatetime(call.at)
    channel_header = header.SerializeToString()
    signature_header = common_pb2.SignatureHeader(creator=call.writer.creator, nonce=call.nonce).SerializeToString()
    spec = chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=chaincode_pb2.ChaincodeSpec(
        type=chaincode_pb2.ChaincodeSpec.GOLANG, chaincode_id=names[1],
        input=chaincode_pb2.ChaincodeInput(args=[arg.encode() for arg in call.args])))
    proposal = proposal_pb2.ChaincodeProposalPayload(input=spec.SerializeToString()).SerializeToString()
    result = proposal_pb2.ChaincodeAction(results=_results(call), chaincode_id=names[2])
    result.response.status = call.status
    answer = proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=hashlib.sha256(channel_header + signature_header + (call.endorsed_payload or proposal)).digest(),
        extension=result.SerializeToString()).SerializeToString()
    action = transaction_pb2.ChaincodeActionPayload(chaincode_proposal_payload=proposal)
    action.action.proposal_response_payload = answer
    for endorser in call.endorsers:
        action.action.endorsements.add(endorser=endorser.creator, signature=endorser.sign(answer + endorser.creator))
    transaction = transaction_pb2.Transaction()
    for _ in range(call.actions):
        transaction.actions.add(header=call.action_header or signature_header, payload=action.SerializeToString())
    payload = common_pb2.Payload(data=transaction.SerializeToString())
    payload.header.channel_header, payload.header.signature_header = channel_header, signature_header
    content = payload.SerializeToString()
    return common_pb2.Envelope(payload=content, signature=call.writer.sign(content)).SerializeToString()


def block_der(number: int, previous: bytes, data: bytes) -> bytes:
    """Fabric's BlockHeaderBytes."""
    digits = number.to_bytes(number.bit_length() // 8 + 1, "big")
    parts = b"".join(bytes((tag, len(part))) + part for tag, part in ((2, digits), (4, previous), (4, data)))
    return bytes((0x30, len(parts))) + parts


def inclusion(network: Network, record: LedgerRecord, call: Call, batch: BatchPlace | None = None, *,
              number: int = 300, neighbours: int = 2, position: int = 1, orderers: tuple[Member, ...] = (),
              raw: bytes | None = None) -> FabricInclusion:
    """The call in a block with others, signed by the orderers. `raw` instead of the call's envelope."""
    strangers = [record_call(network, call.channel, LedgerRecord(id=new_id(), commitment="cd" * 32, severity="low"))
                 for _ in range(neighbours)]
    content = [envelope(each) for each in strangers]
    content.insert(position, raw or envelope(call))
    previous, data = os.urandom(32), hashlib.sha256(b"".join(content)).digest()
    value, signers = os.urandom(6), orderers or (network.orderer,)
    signatures = []
    for signer in signers:
        header = common_pb2.SignatureHeader(creator=signer.creator, nonce=os.urandom(24)).SerializeToString()
        signatures.append(OrdererSignature(header=_text(header), signature=_text(
            signer.sign(value + header + block_der(number, previous, data)))))
    used = {call.writer.mspid, *(e.mspid for e in call.endorsers), *(signer.mspid for signer in signers)}
    roots = {o.mspid: _text(o.root) for o in network.organisations if o.mspid in used}
    return FabricInclusion(
        channel=call.channel, record=record, batch=batch, position=position, envelopes=tuple(map(_text, content)),
        block=BlockHeader(number=number, previous_hash=previous.hex(), data_hash=data.hex()),
        orderer=OrdererWord(value=_text(value), signatures=tuple(signatures)), roots=dict(sorted(roots.items())))


class Recorded(NamedTuple):
    """An incident in a box's chain, not on a ledger yet."""

    proof: Proof
    record: LedgerRecord

    def on(self, *inclusions) -> bytes:
        """The exported file."""
        return self.proof.model_copy(update={"inclusions": inclusions}).to_bytes()


def recorded(network: Network, severity: str = "critical") -> Recorded:
    """One more incident."""
    incident = Incident(id=new_id(), device="box-1", sequence=3, kind="fall", severity=severity,
                        at="2026-11-23T20:00:00.000Z", location="Gym, north door", description="fell",
                        people=(Involved(person=new_id(), part="victim", confidence=0.875),))
    salt = new_salt()
    entry = Entry(device="box-1", sequence=7, previous=GENESIS, record_type="incident", record_id=incident.id,
                  commitment=commitment(incident, salt), at="2026-11-23T20:00:00.100Z")
    proof = Proof(record=incident, salt=salt, entry=sign_entry(entry, network.box),
                  box_key=public_key_text(network.box), inclusions=())
    return Recorded(proof, LedgerRecord(id=incident.id, commitment=entry.hash(), severity=severity))


def single_proof(network: Network) -> bytes:
    """A critical incident: a transaction of its own on both channels."""
    it = recorded(network)
    return it.on(*(inclusion(network, it.record, record_call(network, channel, it.record))
                   for channel in ("general", "police")))


def batch_proof(network: Network, leaves: int = 12, index: int = 5) -> bytes:
    """A low incident: leaf `index` of a batch on general."""
    it = recorded(network, "low")
    batch, top = batch_of(it.record, leaves, index)
    return it.on(inclusion(network, it.record, batch_call(network, "general", batch, top), batch))


def _results(call: Call) -> bytes:
    spaces: dict[str, kv_rwset_pb2.KVRWSet] = {"_lifecycle": kv_rwset_pb2.KVRWSet()}
    spaces["_lifecycle"].reads.add(key="namespaces/fields/sentrybox/Sequence")
    for space, key, value in call.writes:
        changes = spaces.setdefault(space, kv_rwset_pb2.KVRWSet())
        changes.reads.add(key=key)
        changes.writes.add(key=key, is_delete=value is None, value=value or b"")
        if call.metadata_write:
            changes.metadata_writes.add(key=key)
    sets = rwset_pb2.TxReadWriteSet()
    for space, changes in spaces.items():
        added = sets.ns_rwset.add(namespace=space, rwset=changes.SerializeToString())
        if call.private_write and space == "sentrybox":
            added.collection_hashed_rwset.add(collection_name="hidden")
    return sets.SerializeToString()


def _certificate(subject, issuer, key, signer, begin, end, *, authority, signs):
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(
                digital_signature=True, key_cert_sign=signs, crl_sign=authority, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False), critical=True)
            .sign(signer, hashes.SHA256()))


def _json(value: dict) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
