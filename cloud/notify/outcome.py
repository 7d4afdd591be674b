"""The outcome of one request to a provider, in the words of contract.errors. Pure."""

from contract.errors import Rejected, Unavailable
from contract.ports import Accepted

Outcome = Accepted | Rejected | Unavailable

REASON_LIMIT = 300


class Later(Unavailable):
    """The provider named the earliest time to come back: `after` seconds from now."""

    def __init__(self, detail: str, *, after: float, hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.after = after


def retry_after(header: str | None, limit: float = 3600.0) -> float | None:
    """Return the seconds of a Retry-After header; None when absent or in the unused HTTP-date form."""
    text = (header or "").strip()
    return min(float(text), limit) if text.isascii() and text.isdigit() else None


def from_status(
    provider: str, status: int, said: str, header: str | None, *, permanent: bool
) -> Rejected | Unavailable:
    """Return the error a refusing HTTP answer stands for.

    `said` is the provider's own explanation, `header` its Retry-After, `permanent` whether the provider's
    code means that this very message will never be taken. 502 and 504 come from something between: the
    provider may have the message.
    """
    detail = f"{provider} answered {status}: {said}"[:REASON_LIMIT]
    if permanent:
        return Rejected(detail)
    if status in (401, 403, 404):
        return Unavailable(detail, hint=f"check the {provider} credentials in [alerts] of the configuration")
    after = retry_after(header)
    if after is not None:
        return Later(detail, after=after)
    return Unavailable(detail, ambiguous=status in (502, 504))
