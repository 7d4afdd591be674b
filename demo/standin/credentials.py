"""The accounts that the stand-in opens for its clients: made at first start, kept in its folder."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from demo.standin.settings import TwilioAccount

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
PROJECT = "sentrybox-demo"
ACCOUNTS_FILE = "accounts.json"
KEY_FILE = "fcm-service-account.json"
DEVICES = 8


@dataclass(frozen=True, slots=True)
class ProviderAccounts:
    """The credentials that the stand-in checks its clients against."""

    twilio: TwilioAccount
    mail_user: str
    mail_password: str
    client_email: str
    key_id: str
    devices: tuple[str, ...]
    control_token: str


def open_accounts(home: Path) -> ProviderAccounts:
    """Return the accounts kept in `home`, made on the first call."""
    path = home / ACCOUNTS_FILE
    if not path.exists():
        accounts = _new_accounts()
        _write_service_account(home / KEY_FILE, accounts)
        write_private(path, json.dumps(asdict(accounts), indent=2).encode())
    raw = json.loads(path.read_text(encoding="utf-8"))
    return ProviderAccounts(**{**raw, "twilio": TwilioAccount(**raw["twilio"]), "devices": tuple(raw["devices"])})


def service_account_key(home: Path) -> rsa.RSAPublicKey:
    """Return the public half of the key that signs the clients' OAuth assertions."""
    raw = json.loads((home / KEY_FILE).read_text(encoding="utf-8"))
    private = serialization.load_pem_private_key(raw["private_key"].encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError(f"{home / KEY_FILE} does not hold an RSA key; delete the folder to make a new one")
    return private.public_key()


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only the owner may read, whatever the umask."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _new_accounts() -> ProviderAccounts:
    return ProviderAccounts(
        twilio=TwilioAccount(sid="AC" + secrets.token_hex(16), token=secrets.token_hex(16), sender="+15005550006"),
        mail_user="alerts@campus.example",
        mail_password=secrets.token_urlsafe(18),
        client_email=f"alerts@{PROJECT}.iam.gserviceaccount.com",
        key_id=secrets.token_hex(20),
        devices=tuple(_new_device_token() for _ in range(DEVICES)),
        control_token=secrets.token_urlsafe(24),
    )


def _new_device_token() -> str:
    """In the shape of Firebase's: an installation id, a colon, and a long opaque part."""
    return f"{secrets.token_urlsafe(16)}:APA91b{secrets.token_urlsafe(100)}"


def _write_service_account(path: Path, accounts: ProviderAccounts) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    content = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": accounts.key_id,
        "private_key": pem.decode(),
        "client_email": accounts.client_email,
        "client_id": str(secrets.randbelow(10**20)),
        "token_uri": TOKEN_URI,
    }
    write_private(path, json.dumps(content, indent=2).encode())
