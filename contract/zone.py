"""Zones: where on a camera's picture, when, and who may be there."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from contract.ids import Id, Name
from contract.incident import Severity
from contract.model import Model

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"^([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$")


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"a corner is given in shares of the picture, 0 to 1, not {value:g}")
    return value


def _days(text: str) -> str:
    first, _, last = text.partition("-")
    if first not in DAYS or (last and last not in DAYS):
        raise ValueError(f"days are like mon or mon-fri, not {text!r}")
    return text


def _hours(text: str) -> str:
    if not _HOURS.match(text) or text[:5] > "24:00" or text[6:] > "24:00":
        raise ValueError(f"hours are like 22:00-06:00 or 00:00-24:00, not {text!r}")
    return text


Share = Annotated[float, AfterValidator(_share)]


class Closed(Model):
    """The times when a zone is closed, in the box's local time; hours may run past midnight."""

    days: Annotated[str, AfterValidator(_days)] = "mon-sun"
    hours: Annotated[str, AfterValidator(_hours)] = "00:00-24:00"


class Zone(Model):
    """A polygon nobody but `allowed` may stand in while it is closed.

    `hazard`: the place is dangerous (a roof, a pool): people found there are victims, not intruders.
    """

    name: Name
    polygon: tuple[tuple[Share, Share], ...] = Field(min_length=3, max_length=64)
    closed: tuple[Closed, ...] = (Closed(),)
    allowed: tuple[Id, ...] = Field(default=(), max_length=1000)
    severity: Severity = "high"
    hazard: bool = False
