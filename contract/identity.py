"""The identity of a caller."""

from typing import Literal, NamedTuple, get_args

Role = Literal["guard", "supervisor", "admin", "police"]
ROLES: tuple[Role, ...] = get_args(Role)


class Identity(NamedTuple):
    """Account or token name, and role."""

    name: str
    role: Role
