"""What goes on a ledger, and what a ledger says of it. The same for every adapter."""

from typing import Literal

from pydantic import Field

from contract.canonical import canonical_bytes
from contract.ids import Hash, Id
from contract.incident import Severity
from contract.merkle import leaf_hash
from contract.model import Model
from contract.moments import Instant

LedgerChannel = Literal["general", "police"]


class LedgerRecord(Model):
    """All that ever leaves for a ledger: a random id, a commitment (the hash of the box's chain entry), a class."""

    id: Id
    commitment: Hash
    schema_version: Literal[1] = 1
    severity: Severity

    def leaf(self) -> bytes:
        """The RFC 6962 leaf hash of this record."""
        return leaf_hash(canonical_bytes(self.model_dump(mode="json")))


class Anchor(Model):
    """Where a record stands: channel, transaction id, block number (embedded log: the index of its leaf), when."""

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
        """What the signature is over."""
        fields = self.model_dump(mode="json", exclude={"signature"})
        return b"sentrybox/tree-head/v1\0" + canonical_bytes(fields)


class InclusionProof(Model):
    """That the record is leaf `index` of the tree of `head`."""

    record: LedgerRecord
    index: int = Field(ge=0, le=2**53 - 1)
    path: tuple[Hash, ...] = Field(max_length=64)
    head: TreeHead
