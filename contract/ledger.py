"""Ledger records, and what a ledger says of them. The same for every adapter."""

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, TypeAdapter, model_validator

from contract.canonical import canonical_bytes, leaf_hash
from contract.ids import Hash, Id, Name
from contract.incident import Severity
from contract.model import Model
from contract.moments import Instant

LedgerChannel = Name
"""GENERAL, or a police organisation's own: the channel has the name of the organisation (contract.policy)."""
GENERAL: LedgerChannel = "general"
LedgerStatus = Literal["recorded", "submitted", "anchored", "parked"]
MAX_ENVELOPES = 192 * 1024
"""Characters of one block's envelopes in base64 (144 KiB of bytes; ten transactions of ours take some 50). Two
channels' proofs must fit into one message to a box."""


class LedgerRecord(Model):
    """All that ever leaves for a ledger: a random id, a commitment (the hash of the box's chain entry), a class."""

    id: Id
    commitment: Hash
    schema_version: Literal[1] = 1
    severity: Severity

    def leaf(self) -> bytes:
        """Return the RFC 6962 leaf hash of this record."""
        return leaf_hash(canonical_bytes(self.model_dump(mode="json")))


class Anchor(Model):
    """The place of a record on a ledger: channel, transaction id, block number, when. In the embedded log, where a
    transaction is one or more leaves, the block is the index of its first.
    """

    channel: LedgerChannel
    transaction: str = Field(min_length=1, max_length=200)
    block: int = Field(ge=0)
    at: Instant


class TreeHead(Model):
    """A signed tree head (RFC 6962 3.5): size, root and time, signed with Ed25519 by the log's key (all hex)."""

    channel: LedgerChannel
    size: int = Field(ge=0, le=2**53 - 1)
    root: Hash
    at: Instant
    log_key: Hash
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        fields = self.model_dump(mode="json", exclude={"signature"})
        return b"sentrybox/tree-head/v1\0" + canonical_bytes(fields)


class ChainHead(Model):
    """The newest block of a Fabric channel: how many there are, its hash, and the hash of the first, which names the
    ledger itself. Everybody on the channel can ask their own peer for the same."""

    channel: LedgerChannel
    height: int = Field(ge=1, le=2**53 - 1)
    hash: Hash
    genesis: Hash


LedgerHead = TreeHead | ChainHead


class InclusionProof(Model):
    """That the record is leaf `index` of the tree of `head` (the embedded log)."""

    kind: Literal["tree"] = "tree"
    record: LedgerRecord
    index: int = Field(ge=0, le=2**53 - 1)
    path: tuple[Hash, ...] = Field(max_length=64)
    head: TreeHead

    @property
    def channel(self) -> LedgerChannel:
        """Return the log it is about."""
        return self.head.channel


def _canonical_base64(text: str) -> str:
    try:
        if base64.b64encode(base64.b64decode(text, validate=True)).decode() == text:
            return text
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    raise ValueError("base64 with bits that say nothing: encoding it again gives another text")


# Standard alphabet with padding, and the one spelling of its bytes.
Base64 = Annotated[str, AfterValidator(_canonical_base64)]
MspId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$")]


class BatchPlace(Model):
    """The place of a record in a batch: leaf `index` of the `leaves` under the root that the transaction wrote."""

    id: Id
    index: int = Field(ge=0, lt=1_000_000)
    leaves: int = Field(ge=1, le=1_000_000)
    path: tuple[Hash, ...] = Field(max_length=20)


class BlockHeader(Model):
    """A Fabric block's header: `data_hash` is SHA-256 of its envelopes' bytes, one after the other."""

    number: int = Field(ge=0, le=2**53 - 1)
    previous_hash: Hash
    data_hash: Hash


class OrdererSignature(Model):
    """One signature of a block: over Metadata.value, this SignatureHeader and the DER of the block's header."""

    header: Base64
    signature: Base64


class OrdererWord(Model):
    """The block metadata SIGNATURES: common.Metadata's value and its signatures."""

    value: Base64
    signatures: tuple[OrdererSignature, ...] = Field(min_length=1, max_length=100)


class FabricInclusion(Model):
    """That envelope `position` of a Fabric block wrote the record (batch None), or the root of its batch.

    `envelopes` are all of the block's, in order; `roots` the CA certificate (DER) of each MSP that signed anything
    here, no other.
    """

    kind: Literal["fabric"] = "fabric"
    channel: LedgerChannel
    record: LedgerRecord
    batch: BatchPlace | None
    block: BlockHeader
    envelopes: tuple[Base64, ...] = Field(min_length=1, max_length=1000)
    position: int = Field(ge=0, lt=1000)
    orderer: OrdererWord
    roots: dict[MspId, Base64] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _fits_into_a_message(self) -> Self:
        size = sum(len(envelope) for envelope in self.envelopes)
        if size > MAX_ENVELOPES:
            raise ValueError(f"the envelopes of block {self.block.number} take {size} characters, at most "
                             f"{MAX_ENVELOPES} fit into a proof: lower the channel's BatchSize.MaxMessageCount")
        return self


def _kind(value: Any) -> str:
    # What was stored or exported before there was more than one kind names none.
    return str(value.get("kind", "tree") if isinstance(value, dict) else getattr(value, "kind", ""))


Inclusion = Annotated[
    Annotated[InclusionProof, Tag("tree")] | Annotated[FabricInclusion, Tag("fabric")], Discriminator(_kind)]
INCLUSION: TypeAdapter[InclusionProof | FabricInclusion] = TypeAdapter(Inclusion)
"""Reads a stored proof of either kind."""
