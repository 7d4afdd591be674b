"""The tables as SQLModel classes. Times are Instants (text that sorts by time); JSON columns hold contract
models.

The schema itself is made by migrations.py; a test compares the two. There are no foreign keys between what
boxes send: messages come in any order."""

from sqlmodel import Field, SQLModel


class MetaRow(SQLModel, table=True):
    """One fact about the whole cloud, such as its epoch."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True)
    value: str


class CounterRow(SQLModel, table=True):
    """The one row whose lock orders all that is numbered without gaps: changes and audit lines."""

    __tablename__ = "counters"
    id: int = Field(default=1, primary_key=True)
    revision: int = 0
    audit: int = 0


class BoxRow(SQLModel, table=True):
    """A box. `state` is pending, active or revoked; `status` its last heartbeat (messages.Status), `agrees`
    whether its profiles digest was ours at the same revision (None: not compared yet)."""

    __tablename__ = "boxes"
    id: str = Field(primary_key=True)
    name: str
    public_key: str
    state: str
    claimed_at: str
    last_seen: str | None = None
    status: str | None = None
    agrees: bool | None = None
    certificate_serial: str = ""
    certificate_expires: str = ""


class ClaimCodeRow(SQLModel, table=True):
    """A single-use claim code, by its hash, and after use the answer, for a box that did not hear it."""

    __tablename__ = "claim_codes"
    hash: str = Field(primary_key=True)
    created_by: str
    created_at: str
    expires_at: str
    used_at: str | None = None
    box: str | None = None
    public_key: str | None = None
    certificate: str | None = None


class ReceivedRow(SQLModel, table=True):
    """An outbox message that got its receipt."""

    __tablename__ = "received"
    box: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    hash: str
    result: str
    reason: str = ""
    at: str


class EntryRow(SQLModel, table=True):
    """A link of a box's chain (chain.SignedEntry) with the salt of its record."""

    __tablename__ = "entries"
    record_id: str = Field(primary_key=True)
    box: str
    sequence: int
    record_type: str
    hash: str
    salt: str
    content: str
    received_at: str


class IncidentRow(SQLModel, table=True):
    """incident.Incident, and what its actions make of it."""

    __tablename__ = "incidents"
    id: str = Field(primary_key=True)
    box: str
    at: str
    kind: str
    severity: str
    camera: str | None = None
    location: str
    content: str
    received_at: str


class IncidentPersonRow(SQLModel, table=True):
    """Who was in an incident: for finding a person's incidents."""

    __tablename__ = "incident_people"
    incident: str = Field(primary_key=True)
    person: str = Field(primary_key=True)


class ActionRow(SQLModel, table=True):
    """incident.Action. `box` is None for one made in the cloud."""

    __tablename__ = "actions"
    id: str = Field(primary_key=True)
    incident: str = Field(index=True)
    box: str | None = None
    at: str
    verb: str
    content: str


class LogRow(SQLModel, table=True):
    """incident.LogRecord."""

    __tablename__ = "logs"
    id: str = Field(primary_key=True)
    box: str
    at: str
    severity: str
    content: str


class NoticeRow(SQLModel, table=True):
    """delivery.Notice. `box` is None for one made in the cloud."""

    __tablename__ = "notices"
    id: str = Field(primary_key=True)
    box: str | None = None
    at: str
    content: str


class ProfileRow(SQLModel, table=True):
    """profile.Profile. `stamps` says when each field was last set, so that changes may come in any order."""

    __tablename__ = "profiles"
    id: str = Field(primary_key=True)
    name: str
    revision: int
    content: str
    stamps: str = "{}"


class WaitingChangeRow(SQLModel, table=True):
    """A profile change that came before its profile."""

    __tablename__ = "waiting_changes"
    id: str = Field(primary_key=True)
    profile_id: str = Field(index=True)
    box: str
    made_at: str
    by: str
    content: str


class ErasureRow(SQLModel, table=True):
    """The tombstone of an erased person."""

    __tablename__ = "erasures"
    profile_id: str = Field(primary_key=True)
    requested_at: str
    by: str


class ErasureBoxRow(SQLModel, table=True):
    """A box that has to confirm an erasure, and when it did."""

    __tablename__ = "erasure_boxes"
    profile_id: str = Field(primary_key=True)
    box: str = Field(primary_key=True)
    confirmed_at: str | None = None


class ChangeRow(SQLModel, table=True):
    """A revision: something (`kind`, `key`) that a box, or with scope "" every box, should fetch anew.

    Only the newest revision of a thing is kept; its body is read from its table when it is served.
    """

    __tablename__ = "changes"
    revision: int = Field(primary_key=True)
    scope: str
    kind: str
    key: str


class LedgerJobRow(SQLModel, table=True):
    """A record on its way to one channel of the ledger. `content` is ledger.LedgerRecord, `state` recorded, submitted,
    anchored or parked; `urgent` ones get a transaction of their own. `claim` names the worker that has it until
    `claimed_until`; `submission` and `place` say of which transaction it is the how manyth record."""

    __tablename__ = "ledger_jobs"
    record_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    box: str
    content: str
    urgent: bool
    state: str = "recorded"
    submission: str | None = None
    place: int = 0
    attempts: int = 0
    not_before: str = ""
    claim: str = ""
    claimed_until: str = ""
    reason: str = ""
    queued_at: str


class SubmissionRow(SQLModel, table=True):
    """A transaction of the ledger of which it is not known yet that it is durable: ports.Prepared, stored before it is
    sent. Its records are the jobs that name it."""

    __tablename__ = "ledger_submissions"
    id: str = Field(primary_key=True)
    channel: str
    transaction_id: str
    envelope: bytes
    attempts: int = 0
    not_before: str = ""
    claimed_until: str = ""


class AnchorRow(SQLModel, table=True):
    """ledger.Anchor and ledger.Inclusion of a record on one channel."""

    __tablename__ = "anchors"
    record_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    anchor: str
    inclusion: str


class DeliveryRow(SQLModel, table=True):
    """delivery.Delivery. `box` is where its subject comes from, None for the cloud. `unclear`: see
    deliveries.Claim."""

    __tablename__ = "deliveries"
    id: str = Field(primary_key=True)
    subject: str = Field(index=True)
    box: str | None = None
    recipient: str
    audience: str
    channel: str
    address: str
    state: str
    provider_id: str | None = None
    reason: str = ""
    attempts: int = 0
    unclear: int = 0
    updated_at: str
    not_before: str = ""
    claimed_until: str = ""


class UploadRow(SQLModel, table=True):
    """A file that is arriving from a box in chunks."""

    __tablename__ = "uploads"
    box: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    media_type: str
    size: int
    count: int


class ChunkRow(SQLModel, table=True):
    __tablename__ = "chunks"
    box: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    data: bytes


class FileRow(SQLModel, table=True):
    """A complete file under home/files, named by its content."""

    __tablename__ = "files"
    sha256: str = Field(primary_key=True)
    media_type: str
    size: int
    at: str


class QuarantineRow(SQLModel, table=True):
    """A message that was refused. `content` is never kept of what may hold a face or a name: then it is
    empty."""

    __tablename__ = "quarantine"
    id: str = Field(primary_key=True)
    box: str
    message_id: str
    hash: str
    kind: str
    reason: str
    content: str = ""
    at: str


class AuditRow(SQLModel, table=True):
    """Who did what, chained by hash. `detail` never holds a name or an address: erasing must not need to
    touch it."""

    __tablename__ = "audit"
    number: int = Field(primary_key=True)
    at: str
    by: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


class AccountRow(SQLModel, table=True):
    """`password` is an Argon2id hash."""

    __tablename__ = "accounts"
    name: str = Field(primary_key=True)
    role: str
    password: str
    created_at: str
    failures: int = 0
    locked_until: str = ""


class SecretRow(SQLModel, table=True):
    """A session, a program's token or the first-account link, by hash. `kind` is session, token or first."""

    __tablename__ = "secrets"
    hash: str = Field(primary_key=True)
    kind: str
    name: str
    role: str
    created_at: str
    expires_at: str = ""
