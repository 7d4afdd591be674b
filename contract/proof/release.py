"""The release of one record to the police, off the ledger: the proof and the names of the people in it."""

from pydantic import Field

from contract.model import Model
from contract.moments import Instant
from contract.proof.document import Proof


class Released(Model):
    """The proof holds record and salt, so that the police can check it against the commitment on their channel.
    `names` has those still enrolled."""

    proof: Proof
    names: dict[str, str] = Field(default_factory=dict, max_length=50, description="person id -> name")
    released_at: Instant
