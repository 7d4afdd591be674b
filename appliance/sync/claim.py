"""Claiming a box: a code from the cloud's page is exchanged for a certificate. The keys stay here."""

import json
import ssl
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from pydantic import TypeAdapter, ValidationError

from appliance.sync.keys import box_key, tls_key, tls_key_path, write_durably
from contract.chain import public_key_text
from contract.claim import ClaimAnswer
from contract.errors import Conflict, Rejected, Unavailable
from contract.ids import Name
from contract.model import Model

TIMEOUT_S = 20.0
NAME: TypeAdapter[str] = TypeAdapter(Name)


class Endpoint(Model):
    """All that is needed to speak to the broker; paths are of PEM files."""

    box: Name
    site: str
    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path


def endpoint(home: Path) -> Endpoint | None:
    """Return the connection this box was given; None while it is not claimed. Raises Rejected for a damaged file."""
    path = home / "cloud" / "claim.json"
    if not path.exists():
        return None
    try:
        claimed = ClaimAnswer.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise Rejected(f"{path} is damaged: {error}", hint="remove it and claim the box again") from error
    return Endpoint(box=claimed.box, site=claimed.site, host=claimed.broker.host, port=claimed.broker.port,
                    ca=home / "cloud" / "ca.pem", certificate=home / "cloud" / "box.pem", key=tls_key_path(home))


def claim(cloud_url: str, ca: Path | None, code: str, home: Path, box_name: str) -> Endpoint:
    """Exchange the code. `ca` is the PEM of the authority that signed the cloud's page (None: the system's).

    A box that is claimed already returns what it has. Raises Rejected for a wrong or used code, Conflict when the box
    is claimed under another name, Unavailable when the cloud cannot be reached.
    """
    present = endpoint(home)
    if present is not None:
        if present.box != box_name:
            raise Conflict(f"this box is claimed as {present.box!r}, not {box_name!r}",
                           hint=f"remove {home / 'cloud'} to claim it anew")
        return present
    request = {"code": code.strip(), "box": _name(box_name), "csr": signing_request(home, box_name),
               "public_key": public_key_text(box_key(home))}
    claimed = _read(_post(_safe(cloud_url), ca, request))
    if claimed.box != box_name:
        raise Rejected(f"the cloud answered for box {claimed.box!r}, not {box_name!r}")
    _certificate_is_ours(claimed.certificate, home)
    write_durably(home / "cloud" / "ca.pem", claimed.ca.encode())
    write_durably(home / "cloud" / "box.pem", claimed.certificate.encode())
    # Last: the box counts as claimed once this file is there.
    write_durably(home / "cloud" / "claim.json", claimed.model_dump_json().encode())
    made = endpoint(home)
    assert made is not None
    return made


def signing_request(home: Path, box_name: str) -> str:
    """Return the PEM certificate request for the box's TLS key, with the box's name as common name."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(tls_key(home), hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode("ascii")


def _name(text: str) -> str:
    try:
        return NAME.validate_python(text)
    except ValidationError as error:
        raise Rejected(f"{text!r} is no name for a box", hint="lower-case letters, digits and -: gate-1") from error


def _safe(cloud_url: str) -> str:
    url = httpx.URL(cloud_url)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in ("127.0.0.1", "localhost", "::1")):
        raise Rejected(f"{cloud_url!r} will not do: the code must not be read on the way",
                       hint="use an https:// address")
    return str(url).rstrip("/") + "/claim"


def _post(url: str, ca: Path | None, request: dict[str, str]) -> httpx.Response:
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise Rejected(f"{ca} is not a certificate: {error}") from error
    try:
        return httpx.post(url, json=request, verify=context, timeout=TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"the cloud at {url} cannot be reached: {error}", hint="look at address, network and "
                          "certificate; the same code may be used again", ambiguous=True) from error


def _read(response: httpx.Response) -> ClaimAnswer:
    if response.status_code >= 500:
        raise Unavailable(f"the cloud failed: {_detail(response)}", hint="try again with the same code")
    if response.status_code >= 300:
        raise Rejected(f"the cloud refused the claim: {_detail(response)}", hint="ask for a new code on its page")
    try:
        return ClaimAnswer.model_validate_json(response.content)
    except ValueError as error:
        raise Rejected(f"the cloud's answer is not that to a claim: {error}") from error


def _detail(response: httpx.Response) -> str:
    """Return the `detail` of a problem document, or the status."""
    try:
        return str(json.loads(response.content)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _certificate_is_ours(certificate: str, home: Path) -> None:
    """Raise Rejected unless the certificate is for the key on this box."""
    try:
        theirs = x509.load_pem_x509_certificate(certificate.encode("ascii")).public_key()
    except ValueError as error:
        raise Rejected(f"the cloud sent no certificate: {error}") from error
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if theirs.public_bytes(*form) != tls_key(home).public_key().public_bytes(*form):
        raise Rejected("the cloud sent a certificate for another key")
