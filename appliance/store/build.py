"""Building contract values from what a caller gave; what does not fit is Rejected, in words."""

from typing import Any, TypeVar

from pydantic import ValidationError

from contract.errors import Rejected
from contract.model import Model

M = TypeVar("M", bound=Model)


def rejection(error: ValueError) -> Rejected:
    """Return the first thing wrong, and where."""
    if not isinstance(error, ValidationError):
        return Rejected(str(error))
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return Rejected(f"{where}: {message}" if where else message)


def build(kind: type[M], /, **fields: Any) -> M:
    """Return a `kind`. Raises Rejected."""
    try:
        return kind(**fields)
    except ValueError as error:
        raise rejection(error) from error
