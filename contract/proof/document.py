"""The exported proof, and its check. Needs nothing but the file (and, to know who signed, the keys one trusts).

The file is the canonical bytes of one JSON object, nothing before or after: so every byte of it is accounted for.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from contract.canonical import canonical_bytes
from contract.chain import SignedEntry, check_signature, commitment
from contract.errors import Rejected
from contract.ids import Hash
from contract.incident import Action, Incident, LogRecord
from contract.ledger import FabricInclusion, Inclusion, InclusionProof, TreeHead
from contract.model import Model
from contract.proof.merkle import root_from_path

MAX_BYTES = 1 << 20
RECORDS: dict[str, type[Incident] | type[Action] | type[LogRecord]] = {
    "incident": Incident, "action": Action, "log": LogRecord}


class Proof(Model):
    """Record, salt, chain entry, box key and one inclusion per channel the reader may see."""

    v: Literal[1] = 1
    kind: Literal["sentrybox-proof"] = "sentrybox-proof"
    record: Incident | Action | LogRecord
    salt: Hash
    entry: SignedEntry
    box_key: Hash
    inclusions: tuple[Inclusion, ...]

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return canonical_bytes(self.model_dump(mode="json"))


def parse_proof(data: bytes) -> Proof:
    """Read a proof file. Raises Rejected, saying what is wrong, unless it is exactly the bytes of a proof."""
    if len(data) > MAX_BYTES:
        raise Rejected(f"the file has {len(data)} bytes; a proof has at most {MAX_BYTES}")
    try:
        document = json.loads(data)
        record_type = RECORDS[document["entry"]["entry"]["record_type"]]
        proof = Proof(**{**document, "record": record_type(**document["record"])})
    except (ValueError, KeyError, TypeError, ValidationError, RecursionError) as error:
        raise Rejected(f"not a Sentrybox proof: {type(error).__name__}: {error}") from error
    if data not in (proof.to_bytes(), _without_kinds(proof)):
        raise Rejected("the file is not the canonical bytes of its content: something was changed or reformatted")
    return proof


def _without_kinds(proof: Proof) -> bytes:
    """Return the bytes as written while the embedded log was the only ledger; nothing for a proof with any other."""
    if not all(isinstance(inclusion, InclusionProof) for inclusion in proof.inclusions):
        return b""
    return canonical_bytes(proof.model_dump(mode="json", exclude={"inclusions": {"__all__": {"kind"}}}))


def check_tree_head(head: TreeHead) -> None:
    """Raise Rejected unless the log key in the head signed it."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.log_key))
        key.verify(bytes.fromhex(head.signature), head.signed_bytes())
    except (InvalidSignature, ValueError) as error:
        raise Rejected(f"the tree head of {head.channel} is not signed by key {head.log_key[:16]}...") from error


def check_inclusion(inclusion: InclusionProof) -> None:
    """Raise Rejected unless the path leads from the record to the root of a rightly signed tree head."""
    check_tree_head(inclusion.head)
    path = [bytes.fromhex(step) for step in inclusion.path]
    top = root_from_path(inclusion.record.leaf(), inclusion.index, inclusion.head.size, path)
    if top.hex() != inclusion.head.root:
        raise Rejected(f"the record is not leaf {inclusion.index} of the log {inclusion.head.channel}")


def check_proof(data: bytes, *, trusted_keys: Collection[str] = (),
                trusted_roots: Mapping[str, Collection[bytes]] | None = None) -> list[str]:
    """Check a proof file; return each step in words. Raises Rejected at the first that fails.

    `trusted_keys`: hex Ed25519 keys of boxes and logs. `trusted_roots`: MSP id -> DER of the CA certificates one
    believes of that organisation. With either, every ledger in the proof must be vouched for by them; the box's key
    too once any key is given. Without, the steps say whose keys and roots they are and leave the trust to the reader.
    """
    proof = parse_proof(data)
    entry = proof.entry.entry
    if commitment(proof.record, proof.salt) != entry.commitment:
        raise Rejected("the record is not the one that was committed to")
    if (entry.record_id, type(proof.record)) != (proof.record.id, RECORDS[entry.record_type]):
        raise Rejected("the chain entry is about another record")
    steps = [f"record {entry.record_id} ({entry.record_type}) is the one committed to: its content is unchanged"]
    check_signature(proof.entry, proof.box_key)
    steps.append(f"box {entry.device} signed it as number {entry.sequence} of its chain, key {proof.box_key}")
    if not proof.inclusions:
        raise Rejected("the proof names no ledger: the record was not anchored when it was exported")
    for inclusion in proof.inclusions:
        if (inclusion.record.commitment, inclusion.record.id) != (entry.hash(), entry.record_id):
            raise Rejected(f"the ledger entry on {inclusion.channel} is about another record")
        steps += _check_ledger(inclusion)
    if not trusted_keys and not trusted_roots:
        return [*steps, "the keys and roots were not checked against any you trust: compare them, or name yours"]
    if trusted_keys and proof.box_key not in trusted_keys:
        raise Rejected(f"the key of box, {proof.box_key}, is not among the {len(trusted_keys)} trusted keys")
    for inclusion in proof.inclusions:
        _check_trust(inclusion, trusted_keys, trusted_roots or {})
    trusted = "keys and roots" if {inclusion.kind for inclusion in proof.inclusions} >= {"fabric"} else "keys"
    return [*steps, f"all {trusted} are trusted" if trusted_keys else
            "all roots are trusted; the box's key was not checked against any you trust: compare it"]


def unproven(proof: Proof) -> list[str]:
    """Return what a proof with these ledgers does not show, however whole it is."""
    said = ["that what the record says is true: only that the box wrote it down so"]
    if any(isinstance(inclusion, InclusionProof) for inclusion in proof.inclusions):
        said.append("that the log shows everybody the same tree: whoever holds its key can keep two. Compare its heads "
                    "(GET /ledger/CHANNEL/head) with those that others have seen")
    if any(isinstance(inclusion, FabricInclusion) for inclusion in proof.inclusions):
        from contract.proof.fabric import UNPROVEN

        said += UNPROVEN
    return said


def _check_ledger(inclusion: InclusionProof | FabricInclusion) -> list[str]:
    if isinstance(inclusion, InclusionProof):
        check_inclusion(inclusion)
        head = inclusion.head
        return [f"it is leaf {inclusion.index} of the {head.size} of log {head.channel} at {head.at}, "
                f"key {head.log_key}"]
    # Only here: a box exports proofs and never checks one, so it need not load all of protobuf.
    from contract.proof.fabric import check_fabric

    return [*check_fabric(inclusion),
            *(f"root of {mspid}: SHA-256 {hashlib.sha256(base64.b64decode(root)).hexdigest()}"
              for mspid, root in sorted(inclusion.roots.items()))]


def _check_trust(inclusion: InclusionProof | FabricInclusion, keys: Collection[str],
                 roots: Mapping[str, Collection[bytes]]) -> None:
    if isinstance(inclusion, InclusionProof):
        if inclusion.head.log_key not in keys:
            raise Rejected(f"the key of {inclusion.channel}, {inclusion.head.log_key}, is not among the {len(keys)} "
                           "trusted keys")
        return
    for mspid, root in sorted(inclusion.roots.items()):
        if base64.b64decode(root) not in roots.get(mspid, ()):
            raise Rejected(f"the root of {mspid} on {inclusion.channel} is not among the trusted roots",
                           hint=f"a folder of roots holds it as {mspid}.pem")
