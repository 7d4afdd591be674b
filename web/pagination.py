"""Pages of lists: `limit` and `cursor` in, `items` and `next` out."""

from typing import Annotated, Generic, TypeVar

from fastapi import Header, Query
from pydantic import BaseModel

from contract.identity import Identity

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="how many to return")]
Cursor = Annotated[str | None, Query(max_length=200, pattern=r"^[\x21-\x7e]*$",
                                     description="`next` of the page before")]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
                       description="a value of your own: the same request with the same key takes effect once")]


class Page(BaseModel, Generic[T]):
    """`next` is the cursor of the next page, null on the last one. A page may have fewer items than asked for."""

    items: list[T]
    next: str | None = None


def scoped_key(who: Identity, key: str | None) -> str | None:
    """Return the key under its sender's name: two programs that both count from 1 do not meet."""
    return None if key is None else f"{who.name}\x1f{key}"
