"""Tables of people and of their erasures."""

from sqlmodel import Field, SQLModel


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
