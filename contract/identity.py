"""Who is asking."""

from typing import Literal, NamedTuple

Role = Literal["guard", "supervisor", "admin", "police"]


class Identity(NamedTuple):
    """Account or token name, and role."""

    name: str
    role: Role
