"""Tables of the way of records onto the ledger."""

from sqlmodel import Field, SQLModel


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
