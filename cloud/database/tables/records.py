"""Tables of what boxes sent: messages, chain entries, incidents, logs, files."""

from sqlmodel import Field, SQLModel


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
    """A person in an incident: for finding a person's incidents."""

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
