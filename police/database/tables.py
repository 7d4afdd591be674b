"""The tables of what passes between campus and police: what the campus released, and in the police's own database
the entries they saw, their word about each on the ledger, and the details the campus released."""

from typing import Literal

from sqlalchemy import String
from sqlmodel import Field, SQLModel

from contract.incident import Severity

WordState = Literal["queued", "acknowledged"]
DetailsState = Literal["waiting", "verified", "mismatch", "withdrawn"]


class PoliceEntryRow(SQLModel, table=True):
    """Police: a record of the police channel, as its event named it. `number` counts them in the order they came;
    `campus` is the site they come from."""

    __tablename__ = "police_entries"
    id: str = Field(primary_key=True)
    number: int
    campus: str
    commitment: str
    severity: Severity = Field(sa_type=String)
    block: int
    transaction_id: str
    seen_at: str


class PoliceAcknowledgementRow(SQLModel, table=True):
    """Police: our Acknowledge on the ledger, queued (perhaps with the signed `envelope` that may be out already) or
    acknowledged."""

    __tablename__ = "police_acknowledgements"
    entry: str = Field(primary_key=True)
    state: WordState = Field(default="queued", sa_type=String)
    attempts: int = 0
    not_before: str = ""
    transaction_id: str = ""
    envelope: bytes | None = None
    block: int | None = None
    reason: str = ""
    updated_at: str


class PoliceDetailsRow(SQLModel, table=True):
    """Police: what the campus released of an entry. `state` is waiting, verified, mismatch or withdrawn; `content` is
    release.Released, "" when there is none."""

    __tablename__ = "police_details"
    entry: str = Field(primary_key=True)
    state: DetailsState = Field(default="waiting", sa_type=String)
    content: str = ""
    reason: str = ""
    asked_at: str | None = None
    not_before: str = ""
    updated_at: str
