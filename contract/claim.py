"""The claim of a box, between box and cloud: POST /claim and its answer."""

from pydantic import Field

from contract.ids import Hash, Name
from contract.model import Model


class ClaimRequest(Model):
    """A box's request: the code, its id, a certificate request (PEM) and the public half (hex) of the Ed25519 key that
    signs its chain."""

    code: str = Field(min_length=1, max_length=40)
    box: Name
    csr: str = Field(max_length=16 * 1024)
    public_key: Hash


class BrokerAddress(Model):
    """The address at which boxes reach the broker."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65535)


class ClaimAnswer(Model):
    """The cloud's answer: the box's certificate and the authority's (PEM), the broker, and the names it knows the
    box and the campus by."""

    certificate: str
    ca: str
    broker: BrokerAddress
    box: Name
    site: str = ""
