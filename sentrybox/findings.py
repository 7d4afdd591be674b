"""What `sentrybox doctor` found."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`fix` is empty when all is well."""

    what: str
    seen: str
    fix: str
