"""Failures below HTTP: did the request leave this machine or not?"""

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from contract.errors import Unavailable

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
"""Seconds. A provider that needs longer than Apprise's own 4 s has usually accepted all the same."""


def transport_error(provider: str, error: requests.RequestException) -> Unavailable:
    """Return the error, `ambiguous` unless it is certain that no request was sent."""
    sent = not _never_left(error)
    what = "did not answer after the request was sent" if sent else "cannot be reached"
    return Unavailable(f"{provider} {what}: {type(error).__name__}", ambiguous=sent)


def _never_left(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    # A certificate is refused during the handshake; other TLS failures may come after the request.
    return isinstance(reason, NewConnectionError) or "CERTIFICATE_VERIFY_FAILED" in str(reason)
