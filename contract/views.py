"""The answer of box and cloud when asked about a record: the record with all that has become of it."""

from pydantic import Field

from contract.chain import SignedEntry
from contract.delivery import Delivery, Notice
from contract.incident import Action, Incident, LogRecord, State
from contract.ledger import Anchor, LedgerStatus
from contract.model import Model
from contract.moments import Instant


class LedgerState(Model):
    """`recorded`: in the box's chain, on the box's disk. `submitted`: on its way to the ledger. `anchored`: on all the
    ledgers it belongs on. `parked`: a person has to look. `reason`: why it is parked, or waits."""

    status: LedgerStatus
    entry: SignedEntry
    entry_hash: str
    committed_at: Instant | None = Field(default=None, description="when the cloud's receipt arrived")
    anchors: tuple[Anchor, ...] = ()
    reason: str = ""


class IncidentView(Model):
    incident: Incident
    state: State
    assignee: str | None = None
    actions: tuple[Action, ...] = ()
    names: dict[str, str] = Field(default_factory=dict, description="person id -> name, of those still enrolled")
    withheld: bool = Field(default=False, description="people, description, evidence and what was done are left out, "
                                                      "until the campus releases them to the police")
    ledger: LedgerState


class LogView(Model):
    log: LogRecord
    ledger: LedgerState


class NoticeView(Model):
    """`notice` is absent when the deliveries belong to an incident's automatic rule."""

    id: str
    notice: Notice | None = None
    deliveries: tuple[Delivery, ...]
    waiting_for: str = Field(default="", description="why nothing moves, when nothing moves")


class ErasureView(Model):
    """Progress of an erasure. On the box: its own part and the cloud's word. In the cloud: box -> when it confirmed."""

    profile_id: str
    requested_at: Instant
    by: str
    erased_here_at: Instant | None = None
    cloud_confirmed_at: Instant | None = None
    boxes: dict[str, Instant | None] = Field(default_factory=dict)
