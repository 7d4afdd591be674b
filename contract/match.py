"""The answer to "who is this?"."""

from typing import Literal, NamedTuple


class Near(NamedTuple):
    """An enrolled person near a face, and the distance to the mean of their templates."""

    profile_id: str
    distance: float


class Match(NamedTuple):
    """`status`: known (a name may be given), review (somebody must look) or unknown.

    `profile_id` is the nearest person, also when the status is review; None when the gallery is empty or the face could
    not be used. `confidence` is the calibrated probability that it is that person, 0..1; `distance` the metric's own.
    """

    status: Literal["known", "review", "unknown"]
    profile_id: str | None
    confidence: float
    distance: float | None
    reason: str
