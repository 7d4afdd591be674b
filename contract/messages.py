"""Wire messages between box and cloud. Versioned; every one is validated where it arrives.

Up (box -> `up/<box>/record`): Up. `up/<box>/pull`: Pull. `up/<box>/status`: Status.
Down (`down/<box>/receipt`): Receipt. `down/<box>/changes`: Changes. `down/<box>/latest` (retained): Latest.
"""

from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from contract.canonical import canonical_bytes, content_hash
from contract.chain import SignedEntry
from contract.delivery import Delivery, Notice, SiteContacts
from contract.errors import Rejected
from contract.ids import Hash, Id, Name
from contract.incident import Action, Incident, LogRecord
from contract.ledger import Anchor, Inclusion, LedgerStatus
from contract.model import Model
from contract.moments import Instant
from contract.policy import Policy
from contract.profile import Profile, ProfileChange

M = TypeVar("M", bound=Model)

MAX_MESSAGE = 512 * 1024
"""Bytes of one MQTT payload. Both sides refuse more before it enters a queue: in MQTT 5 an oversize publish makes
an endless loop of disconnects."""
CHUNK = 96 * 1024
"""Bytes of a file in one EvidenceChunk (base64 makes 128 KiB of it)."""


class IncidentRecorded(Model):
    type: Literal["incident"] = "incident"
    incident: Incident
    salt: Hash
    entry: SignedEntry


class ActionRecorded(Model):
    type: Literal["action"] = "action"
    action: Action
    salt: Hash
    entry: SignedEntry


class LogRecorded(Model):
    type: Literal["log"] = "log"
    log: LogRecord
    salt: Hash
    entry: SignedEntry


class NoticeMade(Model):
    type: Literal["notice"] = "notice"
    notice: Notice


class ProfileCreated(Model):
    type: Literal["profile_created"] = "profile_created"
    profile: Profile
    by: str = Field(min_length=1, max_length=100)


class ProfileChanged(Model):
    type: Literal["profile_changed"] = "profile_changed"
    profile_id: Id
    change: ProfileChange
    by: str = Field(min_length=1, max_length=100)


class ProfileErased(Model):
    """Somebody asked for an erasure at the box."""

    type: Literal["profile_erased"] = "profile_erased"
    profile_id: Id
    by: str = Field(min_length=1, max_length=100)


class ErasureDone(Model):
    """This box holds nothing of the person any more: index, templates, profile."""

    type: Literal["erasure_done"] = "erasure_done"
    profile_id: Id


class EvidenceChunk(Model):
    """A part of a file named by its content; `data` is base64."""

    type: Literal["evidence"] = "evidence"
    sha256: Hash
    media_type: str = Field(max_length=60)
    size: int = Field(ge=1, le=64 * 1024 * 1024)
    index: int = Field(ge=0)
    count: int = Field(ge=1, le=1024)
    data: str = Field(max_length=CHUNK * 4 // 3 + 8)


Body = Annotated[
    IncidentRecorded | ActionRecorded | LogRecorded | NoticeMade | ProfileCreated | ProfileChanged | ProfileErased
    | ErasureDone | EvidenceChunk, Field(discriminator="type")]


class Up(Model):
    """One outbox row. `hash` is the content hash of `body`: same id with another hash is quarantined."""

    v: Literal[1] = 1
    id: Id
    box: Name
    made_at: Instant
    hash: Hash
    body: Body


class Receipt(Model):
    """The cloud's word that it has committed (or parked, with the reason) what `id` and `hash` name.

    `epoch` changes when the cloud's database was restored from a backup: boxes then offer everything again.
    """

    v: Literal[1] = 1
    id: Id
    hash: Hash
    epoch: Id
    result: Literal["committed", "quarantined"] = "committed"
    reason: str = Field(default="", max_length=1000)


class Pull(Model):
    """Ask for changes after `cursor`, at most `limit`."""

    v: Literal[1] = 1
    cursor: int = Field(ge=0)
    limit: int = Field(default=50, ge=1, le=200)


class Latest(Model):
    v: Literal[1] = 1
    revision: int = Field(ge=0)
    epoch: Id


class Status(Model):
    """A box's heartbeat."""

    v: Literal[1] = 1
    at: Instant
    version: str = Field(max_length=40)
    packs: tuple[str, ...] = Field(default=(), max_length=8)
    cursor: int = Field(ge=0)
    waiting: int = Field(ge=0)
    profiles: int = Field(ge=0)
    profiles_digest: Hash
    cameras: dict[Name, str] = Field(default_factory=dict)


class ProfilePut(Model):
    type: Literal["profile"] = "profile"
    profile: Profile


class ProfileTombstone(Model):
    type: Literal["tombstone"] = "tombstone"
    profile_id: Id


class SitePut(Model):
    type: Literal["site"] = "site"
    site: SiteContacts


class PolicyPut(Model):
    """The site's decision about who is told; boxes that have heard of none go by Policy's defaults."""

    type: Literal["policy"] = "policy"
    policy: Policy


class AnchorPut(Model):
    """The place of a record of this box on the ledger, with the proofs there are. `status` and `reason`: as
    views.LedgerState."""

    type: Literal["anchor"] = "anchor"
    record_id: Id
    status: LedgerStatus = "anchored"
    reason: str = Field(default="", max_length=1000)
    anchors: tuple[Anchor, ...]
    inclusions: tuple[Inclusion, ...]


class DeliveryPut(Model):
    type: Literal["delivery"] = "delivery"
    delivery: Delivery


class ActionPut(Model):
    """Somebody acknowledged or resolved in the cloud (or by an alert's link)."""

    type: Literal["action"] = "action"
    action: Action


ChangeBody = Annotated[ProfilePut | ProfileTombstone | SitePut | PolicyPut | AnchorPut | DeliveryPut | ActionPut,
                       Field(discriminator="type")]


class Change(Model):
    revision: int = Field(ge=1)
    body: ChangeBody


class Changes(Model):
    """All changes for this box with after < revision <= through. Applied only when `after` is the box's cursor."""

    v: Literal[1] = 1
    epoch: Id
    after: int = Field(ge=0)
    through: int = Field(ge=0)
    latest: int = Field(ge=0)
    changes: tuple[Change, ...] = Field(max_length=200)


class Parcel(NamedTuple):
    """An Up ready to be sent: its wire bytes, the hash that the receipt will name, and how often it was sent before."""

    id: str
    hash: str
    data: bytes
    attempts: int


def make_up(box: str, message_id: str, made_at: str, body: Body) -> Up:
    """Return an Up with its hash."""
    return Up(id=message_id, box=box, made_at=made_at, hash=content_hash(body.model_dump(mode="json")), body=body)


def check_up(message: Up) -> None:
    """Raise Rejected when the hash is not the body's."""
    if content_hash(message.body.model_dump(mode="json")) != message.hash:
        raise Rejected(f"message {message.id}: the hash is not the body's")


def encode(message: Model) -> bytes:
    """Return wire bytes. Raises Rejected when larger than MAX_MESSAGE."""
    data = canonical_bytes(message.model_dump(mode="json"))
    if len(data) > MAX_MESSAGE:
        raise Rejected(f"a message of {len(data)} bytes is over the limit of {MAX_MESSAGE}")
    return data


def decode(kind: type[M], data: bytes) -> M:
    """Read wire bytes as `kind`. Raises Rejected naming what does not fit: not JSON, unknown version, wrong field."""
    if len(data) > MAX_MESSAGE:
        raise Rejected(f"a message of {len(data)} bytes is over the limit of {MAX_MESSAGE}")
    try:
        return TypeAdapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the message"
        raise Rejected(f"not a {kind.__name__} message: {where}: {first['msg']}") from error
