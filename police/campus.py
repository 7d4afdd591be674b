"""Asks the campus for the details of an entry, off the ledger: GET /released/{id} of its cloud, with a bearer token."""

import json
import ssl
from pathlib import Path

import httpx
from pydantic import ValidationError

from contract.errors import NotFound, Rejected, Unavailable
from contract.proof.document import MAX_BYTES
from contract.proof.release import Released

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""Seconds. It is asked again anyway, so a campus that is slow is left alone soon."""
MAX_ANSWER = MAX_BYTES + 64 * 1024


class Withdrawn(NotFound):
    """The campus took its release back: what was kept of it has to go."""


class Unreachable(Unavailable):
    """It is the campus, or our token, and not this entry: asking about others does not help either."""


class Campus:
    """One campus's cloud."""

    def __init__(self, url: str, token_file: Path, ca: Path | None) -> None:
        """`ca`: the authority of the campus's HTTPS certificate, None for the public ones. Raises Rejected when the
        files cannot be read."""
        try:
            self._token = token_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Rejected(f"campus.token_file: {token_file} cannot be read: {error}",
                           hint="it holds one line, the token of role police that the campus made") from error
        try:
            context = ssl.create_default_context(cafile=None if ca is None else str(ca))
        except OSError as error:
            raise Rejected(f"campus.ca: {ca} cannot be read: {error}", hint="it holds PEM certificates") from error
        self._client = httpx.Client(base_url=url, verify=context, timeout=TIMEOUT, trust_env=False)

    def released(self, record: str) -> Released:
        """Return what the campus released of a record. Raises NotFound while it released nothing, Withdrawn when it
        took that back, Rejected for an answer that is none of ours, Unreachable or Unavailable in all other cases.
        """
        try:
            request = self._client.build_request("GET", f"/released/{record}",
                                                 headers={"Authorization": f"Bearer {self._token}"})
            answer = self._client.send(request, stream=True)
            try:
                body = _read(answer)
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise Unreachable(f"the campus cannot be reached: {type(error).__name__}") from error
        if answer.status_code == 200:
            try:
                return Released.model_validate_json(body)
            except ValidationError as error:
                raise Rejected(f"the campus's answer is not a released record: {error.error_count()} faults in it"
                               ) from error
        raise _refusal(answer.status_code, body)

    def close(self) -> None:
        self._client.close()


def _refusal(status: int, body: bytes) -> NotFound | Unavailable:
    """Return what a refusing answer stands for. Only the campus's own words count: a wrong address answers 404 too."""
    try:
        problem = json.loads(body)
        code, detail = str(problem["code"]), str(problem["detail"])[:200]
    except (ValueError, KeyError, TypeError):
        code, detail = "", "nothing that a Sentrybox cloud says"
    if (status, code) == (410, "withdrawn"):
        return Withdrawn("the campus took its release back")
    if (status, code) == (404, "notfound"):
        return NotFound("the campus has not released this entry yet")
    if status in (401, 403):
        return Unreachable(f"the campus refuses our token: {detail}",
                           hint="put a token of role police into [campus] token_file and start again")
    if not code:
        return Unreachable(f"the campus answered {status}: {detail}", hint="is [campus] url its address?")
    return Unavailable(f"the campus answered {status}: {detail}")


def _read(answer: httpx.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise Rejected(f"the campus's answer has more than {MAX_ANSWER} bytes")
    return body
