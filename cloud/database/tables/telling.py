"""Tables of who is told what."""

from sqlmodel import Field, SQLModel


class NoticeRow(SQLModel, table=True):
    """delivery.Notice. `box` is None for one made in the cloud."""

    __tablename__ = "notices"
    id: str = Field(primary_key=True)
    box: str | None = None
    at: str
    content: str


class DeliveryRow(SQLModel, table=True):
    """delivery.Delivery. `box` is where its subject comes from, None for the cloud. `unclear`: see
    deliveries.DeliveryClaim."""

    __tablename__ = "deliveries"
    id: str = Field(primary_key=True)
    subject: str = Field(index=True)
    box: str | None = None
    recipient: str
    audience: str
    channel: str
    address: str
    step: int = 0
    state: str
    provider_id: str | None = None
    reason: str = ""
    attempts: int = 0
    unclear: int = 0
    updated_at: str
    not_before: str = ""
    claimed_until: str = ""


class ReleaseRow(SQLModel, table=True):
    """The details of this record may be read by a police organisation, until they are withdrawn."""

    __tablename__ = "releases"
    record_id: str = Field(primary_key=True)
    organisation: str = Field(primary_key=True)
    released_at: str
    released_by: str
    withdrawn_at: str | None = None
    withdrawn_by: str | None = None
