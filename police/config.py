"""The configuration file of a police organisation's process."""

from pathlib import Path

from pydantic import Field

from cloud.config import OrganisationSettings
from contract.config import Section


class ChannelSettings(Section):
    """The connection profile of this organisation's member of the police channel."""

    profile: Path


class CampusSettings(Section):
    """The campus whose entries these are: its `name` as alerts say it, where its cloud is, the file with the token of
    role police that it made, and the authority of its HTTPS certificate (absent: a public one)."""

    name: str = Field(default="the campus", min_length=1, max_length=100)
    url: str = Field(pattern=r"^https?://[^\s/]+$")
    token_file: Path
    ca: Path | None = None


class PoliceConfig(OrganisationSettings):
    """A police organisation: `contacts.police` is told of what comes on the police channel, `contacts.security` when
    that fails."""

    site: str = Field(default="Police", min_length=1, max_length=100)
    ledger: ChannelSettings
    campus: CampusSettings
