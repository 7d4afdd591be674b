"""The results of `sentrybox doctor`."""

from typing import NamedTuple


class Checked(NamedTuple):
    """`fix` is empty when all is well."""

    what: str
    seen: str
    fix: str
