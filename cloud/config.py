"""The cloud's one TOML file."""

from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from contract.config import Section
from contract.delivery import SiteContacts
from contract.errors import Rejected
from contract.policy import Organisation, PoliceRule, Policy
from contract.profile import Channel, Contact


class DatabaseSettings(Section):
    """`url`: sqlite:////absolute/path.db or postgresql://user:password@host/name; empty: cloud.db in home. Or the name
    of a file that holds it, where the password should not stand in the configuration."""

    url: str = Field(default="", repr=False)
    url_file: Path | None = None


class BrokerSettings(Section):
    """The broker's address, the authority that signed its certificate, and the cloud's own certificate and key.
    `public_host` and `public_port` are what boxes are told; absent: the same."""

    host: str = "127.0.0.1"
    port: int = Field(default=8883, ge=1, le=65535)
    ca: Path
    certificate: Path
    key: Path
    public_host: str | None = None
    public_port: int | None = Field(default=None, ge=1, le=65535)


class HttpSettings(Section):
    """The address of pages and API; port 0 takes a free one. The certificate files turn on HTTPS."""

    host: str = "127.0.0.1"
    port: int = Field(default=8443, ge=0, le=65535)
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together or not at all")
        return self


class LedgerSettings(Section):
    """`kind`: the signed log of this cloud, or a Hyperledger Fabric network with this connection `profile`.
    Records that concern the police (`[policy]`) go there at once; the others in batches of `batch_size`, or when one
    has waited `batch_seconds`. `roots`: the organisations' root certificates, for the proofs; absent: the folder roots
    beside the profile's. `audit_hours`: between two audits, 0 for none."""

    MOVED: ClassVar[dict[str, str]] = {
        "police_from": 'moved: write it as from_severity ("high" or "critical") under [[policy.police]]'}
    kind: Literal["embedded", "fabric"] = "embedded"
    profile: Path | None = None
    roots: Path | None = None
    batch_size: int = Field(default=200, ge=1, le=10_000)
    batch_seconds: float = Field(default=5, ge=0, le=3600)
    audit_hours: float = Field(default=24, ge=0, le=8760)

    @model_validator(mode="after")
    def _fabric_has_a_profile(self) -> Self:
        if (self.kind == "fabric") != (self.profile is not None):
            raise ValueError('profile is the connection profile of kind = "fabric": give both or neither')
        if self.roots is not None and self.profile is None:
            raise ValueError('roots are for kind = "fabric"')
        return self

    def patience_s(self) -> float:
        """Return the seconds from a record's arrival until it is missed on the ledger."""
        return max(900.0, 2 * self.batch_seconds)


class PolicySettings(Section):
    """The policy: which records concern which police organisation, and what waits for a person's word: ledger channel,
    alerts, release and pages all go by it. Absent: one organisation, `police`, with the rule's defaults.
    """

    police: tuple[PoliceRule, ...] = Field(default=(PoliceRule(),), max_length=20)

    def policy(self) -> Policy:
        """Return the site's policy."""
        return Policy(police=self.police)

    @model_validator(mode="after")
    def _is_a_policy(self) -> Self:
        self.policy()
        return self


URL_KEYS: dict[Channel, str] = {"sms": "twilio_url", "push": "fcm_url", "email": "email_url"}
"""The key of each channel's Apprise URL in AlertSettings."""


class AlertSettings(Section):
    """One Apprise URL per channel, without a recipient, in the file itself or in a file of its own (`..._file`)."""

    twilio_url: SecretStr | None = None
    twilio_url_file: Path | None = None
    fcm_url: SecretStr | None = None
    fcm_url_file: Path | None = None
    email_url: SecretStr | None = None
    email_url_file: Path | None = None
    link_hours: int = Field(default=72, ge=1, le=720)

    @model_validator(mode="after")
    def _one_way_each(self) -> Self:
        for name in URL_KEYS.values():
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
        return self

    def url(self, channel: Channel) -> str | None:
        """Return the channel's Apprise URL, wherever it was given; None: not configured."""
        key = URL_KEYS[channel]
        file: Path | None = getattr(self, f"{key}_file")
        given: SecretStr | None = getattr(self, key)
        return _read(file) if file else given.get_secret_value() if given else None


class ContactSettings(Section):
    """The contacts of campus security and the police; `others`: police organisations of other names. What is edited on
    the page stays until this changes."""

    security: tuple[Contact, ...] = ()
    police: tuple[Contact, ...] = ()
    others: dict[Organisation, tuple[Contact, ...]] = Field(default_factory=dict)

    def site(self) -> SiteContacts:
        return SiteContacts(security=self.security, police=self.police, others=self.others)


class VisionSettings(Section):
    """The cloud's own vision worker, for enrolment. `models`: a pack; absent: people are enrolled on boxes."""

    models: Path | None = None
    python: str = ""


class OrganisationSettings(Section):
    """The settings that every organisation's processes read. Relative paths are below the current directory.

    `url`: how people reach the pages, for the links in alerts. `site`: the name at the top of the pages.
    """

    home: Path
    url: str = Field(pattern=r"^https?://[^\s/]+$")
    site: str = Field(default="campus", min_length=1, max_length=100)
    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    alerts: AlertSettings = AlertSettings()
    contacts: ContactSettings = ContactSettings()

    @field_validator("url")
    @classmethod
    def _has_a_host(cls, url: str) -> str:
        host = urlsplit(url).hostname or ""
        try:
            nowhere = ip_address(host).is_unspecified
        except ValueError:
            nowhere = not host
        if nowhere:
            raise ValueError("a link cannot lead there: name the host as people reach it")
        return url

    def database_url(self) -> str:
        """Return the database's URL, wherever it was given."""
        if self.database.url_file is not None:
            return _read(self.database.url_file)
        return self.database.url or f"sqlite:///{(self.home / 'cloud.db').resolve()}"

    def alert_urls(self) -> dict[Channel, str]:
        """Return the Apprise URL of each channel that is configured."""
        given = {channel: self.alerts.url(channel) for channel in URL_KEYS}
        return {channel: url for channel, url in given.items() if url is not None}


class CloudConfig(OrganisationSettings):
    """A campus. `authority`: the folder of the site's certificate authority, where boxes are claimed; absent:
    home/authority."""

    MOVED: ClassVar[dict[str, str]] = {
        "police": 'moved: for [police] release = "confirmed" write word_for = "details" under [[policy.police]], for '
                  '"automatic" word_for = "nothing"'}
    authority: Path | None = None
    broker: BrokerSettings
    ledger: LedgerSettings = LedgerSettings()
    policy: PolicySettings = PolicySettings()
    vision: VisionSettings = VisionSettings()

    def broker_address(self) -> tuple[str, int]:
        """Return the (host, port) that boxes are told."""
        return self.broker.public_host or self.broker.host, self.broker.public_port or self.broker.port


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{path} cannot be read: {error}", hint="it holds one line, the URL") from error
