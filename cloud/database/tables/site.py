"""Tables of the whole site: facts, counters, boxes, the change feed, who did what."""

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


class ChangeRow(SQLModel, table=True):
    """A revision: something (`kind`, `key`) that a box, or with scope "" every box, should fetch anew.

    Only the newest revision of a thing is kept; its body is read from its table when it is served.
    """

    __tablename__ = "changes"
    revision: int = Field(primary_key=True)
    scope: str
    kind: str
    key: str


class TrailRow(SQLModel, table=True):
    """A line of the trail: who did what, chained by hash. `detail` never holds a name or an address: erasing must not
    need to touch it.
    """

    __tablename__ = "audit"
    number: int = Field(primary_key=True)
    at: str
    by: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str
