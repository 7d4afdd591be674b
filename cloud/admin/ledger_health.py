"""Health of the ledger: whether records can go there, and how long the certificates for it last."""

import math

from pydantic import BaseModel

from contract.errors import SentryboxError
from contract.ledger import LedgerChannel
from contract.moments import Instant, from_text, now
from contract.ports import Ledger

WARN_DAYS = 30


class Certificate(BaseModel):
    """`days_left`: whole days, negative when it has expired."""

    name: str
    expires: Instant
    days_left: int


class LedgerHealth(BaseModel):
    """`problems`: why nothing can be written just now, and what to do; the records wait. `warnings`: what has to be
    done soon."""

    problems: list[str]
    warnings: list[str]
    certificates: list[Certificate]


def look(ledger: Ledger, channels: tuple[LedgerChannel, ...]) -> LedgerHealth:
    """Asks the ledger about each channel. Takes as long as its own time-outs where it does not answer."""
    problems = []
    for channel in channels:
        try:
            ledger.check(channel)
        except SentryboxError as error:
            problems.append(f"ledger, {channel}: {error}")
    certificates = [Certificate(name=name, expires=expires, days_left=days_left(expires))
                    for name, expires in ledger.identities()]
    return LedgerHealth(problems=problems, certificates=certificates,
                        warnings=[_warning(one) for one in certificates if one.days_left < WARN_DAYS])


def days_left(expires: str) -> int:
    """Return the whole days from now until that Instant."""
    return math.floor((from_text(expires) - from_text(now())).total_seconds() / 86400)


def _warning(certificate: Certificate) -> str:
    when = (f"expires in {certificate.days_left} days" if certificate.days_left >= 0 else
            f"expired on {certificate.expires[:10]}")
    return (f"the certificate of {certificate.name} {when}: have that organisation's authority issue a new one and put "
            f"it in the same file; it is taken up without a restart")
