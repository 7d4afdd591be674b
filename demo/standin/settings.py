"""standin.json: where the running stand-in listens and with which credentials it is used."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "standin.json"


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    sid: str
    token: str
    sender: str


@dataclass(frozen=True, slots=True)
class FcmProject:
    project: str
    keyfile: str


@dataclass(frozen=True, slots=True)
class MailAccount:
    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a client needs. Paths are absolute; `devices` are the push tokens that are registered."""

    page_url: str
    https_url: str
    proxy_url: str
    ca_file: str
    control_token: str
    twilio: TwilioAccount
    fcm: FcmProject
    mail: MailAccount
    devices: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """Return the variables that lead a process's real client libraries to the stand-in.

        Such a process trusts the stand-in's CA and no other, so it cannot reach a real provider by mistake.
        """
        return {
            "HTTPS_PROXY": self.proxy_url,
            "NO_PROXY": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": self.ca_file,
            "SSL_CERT_FILE": self.ca_file,
        }


def write(home: Path, settings: Settings) -> Path:
    """Replaces standin.json in one step, readable by the owner only."""
    path = home / FILE
    handle, temporary = tempfile.mkstemp(dir=home, prefix=".standin-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(settings), file, indent=2)
    os.replace(temporary, path)
    return path


def read(home: Path) -> Settings:
    """Read the settings. Raises FileNotFoundError before the stand-in's first start in this folder."""
    raw: dict[str, Any] = json.loads((home / FILE).read_text(encoding="utf-8"))
    return Settings(
        **{
            **raw,
            "twilio": TwilioAccount(**raw["twilio"]),
            "fcm": FcmProject(**raw["fcm"]),
            "mail": MailAccount(**raw["mail"]),
            "devices": tuple(raw["devices"]),
        }
    )
