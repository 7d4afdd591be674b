"""Tables of who may come in: accounts, what was handed out, guesses. Moments are Unix seconds."""

from sqlmodel import Field, SQLModel


class AccountRow(SQLModel, table=True):
    """access.storage.Account."""

    __tablename__ = "accounts"
    key: str = Field(primary_key=True)
    name: str
    role: str
    password: str
    created_at: float


class CredentialRow(SQLModel, table=True):
    """access.storage.Credential."""

    __tablename__ = "credentials"
    hash: str = Field(primary_key=True)
    id: str
    kind: str
    account: str
    name: str
    role: str
    agent: str
    created_at: float
    expires_at: float | None = None


class GuessesRow(SQLModel, table=True):
    """access.lockout.Guesses of a name, and when it was last tried."""

    __tablename__ = "guesses"
    key: str = Field(primary_key=True)
    failures: int
    until: float
    at: float
