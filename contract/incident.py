"""Incidents and what people do about them, and the free log records that go on the ledger beside them."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints

from contract.ids import Hash, Id, Name
from contract.model import Model
from contract.moments import Instant

Kind = Literal["fall", "intrusion", "violence", "tamper", "manual"]
Severity = Literal["low", "medium", "high", "critical"]
State = Literal["open", "acknowledged", "resolved"]
Part = Literal["victim", "involved", "witness"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=r"^[^\x00]*$")]
Place = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200,
                                         pattern=r"^[^\x00-\x1f\x7f]+$")]

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


class KindFacts(NamedTuple):
    """A kind of incident as people know it: its name, and its severity where nobody gives one."""

    label: str
    usual_severity: Severity


KINDS: Mapping[Kind, KindFacts] = {
    "fall": KindFacts("Fall", "high"),
    "intrusion": KindFacts("Intrusion", "high"),
    "violence": KindFacts("Violence", "high"),
    "tamper": KindFacts("Tampering", "medium"),
    "manual": KindFacts("Reported incident", "medium"),
}
"""Every kind; alerts and all pages take its name from here."""


class Involved(Model):
    """A person in an incident: their part, and how sure the recognition is (1 when a human said so)."""

    person: Id
    part: Part
    confidence: float = Field(ge=0, le=1)


class Evidence(Model):
    """A file that shows the incident, named by its content."""

    sha256: Hash
    media_type: str = Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$", max_length=60)
    size: int = Field(ge=1)


class Incident(Model):
    """An incident as it was first written down. It never changes; Actions follow it."""

    id: Id
    device: Name
    sequence: int = Field(ge=1)
    kind: Kind
    severity: Severity
    at: Instant
    camera: Name | None = None
    location: Place
    people: tuple[Involved, ...] = Field(default=(), max_length=50)
    description: Text = ""
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=20)


class Action(Model):
    """A step that somebody took about an incident."""

    id: Id
    incident: Id
    verb: Literal["acknowledge", "assign", "resolve", "note"]
    by: str = Field(min_length=1, max_length=100)
    at: Instant
    assignee: str | None = Field(default=None, max_length=100)
    note: Text = ""


class LogRecord(Model):
    """A free log record (POST /blockchain/log): one statement of a person, without a camera behind it."""

    id: Id
    device: Name
    at: Instant
    location: Place
    kind: Kind
    severity: Severity = "medium"
    description: Text = ""
    by: str = Field(min_length=1, max_length=100)


def state_after(actions: list[Action]) -> State:
    """Return the state the actions leave an incident in; their order does not matter, resolved stays resolved."""
    verbs = {action.verb for action in actions}
    if "resolve" in verbs:
        return "resolved"
    return "acknowledged" if verbs & {"acknowledge", "assign"} else "open"


class IncidentDraft(NamedTuple):
    """An incident before the box gives it id, device and sequence."""

    kind: Kind
    severity: Severity
    at: str
    location: str
    camera: str | None = None
    people: tuple[Involved, ...] = ()
    description: str = ""
    evidence: tuple[Evidence, ...] = ()


class IncidentFilter(NamedTuple):
    """A choice of incidents to list; absent fields do not restrict. `since` is inclusive, `until` exclusive."""

    state: State | None = None
    kind: Kind | None = None
    severity: Severity | None = None
    camera: str | None = None
    person: str | None = None
    since: str | None = None
    until: str | None = None
