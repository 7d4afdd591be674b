"""The end of a page of incidents, as text that callers hand back unread."""

import base64
import json

from pydantic import TypeAdapter

from contract.errors import Rejected
from contract.ids import Id
from contract.moments import Instant

PAIR: TypeAdapter[tuple[str, str]] = TypeAdapter(tuple[Instant, Id])


def write_cursor(at: str, record_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, record_id]).encode()).decode()


def read_cursor(text: str) -> tuple[str, str]:
    """Return (at, id). Raises Rejected for a cursor that is not ours."""
    try:
        return PAIR.validate_json(base64.b64decode(text.encode(), altchars=b"-_", validate=True))
    except ValueError as error:
        raise Rejected("this cursor is not one of ours", hint="use that of the page before, unchanged") from error
