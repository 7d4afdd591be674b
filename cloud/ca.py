"""The site's certificate authority: who may speak to the broker (EC P-256, X.509)."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import TypeAdapter, ValidationError

from contract.errors import Rejected
from contract.ids import Name
from contract.moments import to_text

CLOUD = "cloud"
"""The common name of the cloud's own client certificate; no box may have it."""
RESERVED = frozenset({CLOUD, "localhost", "broker"})
AUTHORITY_DAYS = 7300
CERTIFICATE_DAYS = 1825
MAX_REQUEST = 16 * 1024
CLOCK_SKEW = timedelta(days=1)


class Issued(NamedTuple):
    """A certificate in PEM, its serial number (hex) and when it ends (an Instant)."""

    certificate: str
    serial: str
    expires: str


class Authority:
    """The authority's key and certificate in a folder, with ca.pem to hand out and crl.pem for the broker."""

    def __init__(self, home: Path) -> None:
        """Opens the authority, making one where there is none. Raises Rejected when only a part of it is there."""
        self.home = home
        self.certificate_path = home / "ca.pem"
        self.crl_path = home / "crl.pem"
        home.mkdir(parents=True, exist_ok=True)
        key_path = home / "ca.key"
        if not key_path.exists() and not self.certificate_path.exists():
            self._make(key_path)
        try:
            key = load_pem_private_key(key_path.read_bytes(), None)
            self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        except (OSError, ValueError) as error:
            raise Rejected(
                f"the certificate authority in {home} cannot be read: {error}",
                hint="restore ca.key and ca.pem from a backup",
            ) from error
        if (
            not isinstance(key, ec.EllipticCurvePrivateKey)
            or key.public_key() != self._certificate.public_key()
        ):
            raise Rejected(
                f"{key_path} is not the key of {self.certificate_path}", hint="restore both from a backup"
            )
        self._key = key
        if not self.crl_path.exists():
            self._write_crl([])

    @property
    def certificate(self) -> str:
        """Return the authority's certificate in PEM: what boxes trust."""
        return self.certificate_path.read_text("ascii")

    def server(self, name: str, names: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """Return the (certificate, key) files NAME.pem and NAME.key for a server reached as 127.0.0.1, localhost or one
        of `names` (host names or addresses). Kept when they are there and good for all these names.
        """
        wanted = tuple(dict.fromkeys(("127.0.0.1", "localhost", *names)))
        certificate, key = self.home / f"{name}.pem", self.home / f"{name}.key"
        if not (certificate.exists() and key.exists() and _names_in(certificate) >= set(wanted)):
            extension = x509.SubjectAlternativeName([_general_name(n) for n in wanted])
            self._write_pair(name, ExtendedKeyUsageOID.SERVER_AUTH, extension)
        return certificate, key

    def client(self, name: str) -> tuple[Path, Path]:
        """Return the (certificate, key) files for a client of our own, such as `cloud`. Kept when they are there."""
        certificate, key = self.home / f"{name}.pem", self.home / f"{name}.key"
        if not (certificate.exists() and key.exists()):
            self._write_pair(name, ExtendedKeyUsageOID.CLIENT_AUTH, None)
        return certificate, key

    def sign_request(self, request: str, box: str) -> Issued:
        """Return the client certificate for a box's request (PEM). Nothing of the request counts but its key and its
        name.

        Raises Rejected unless it is signed by its own EC P-256 key and its common name is the box's id.
        """
        try:
            TypeAdapter(Name).validate_python(box)
        except ValidationError as error:
            raise Rejected(
                f"{box!r} is not a box id", hint="lower-case letters, digits and -, at most 63"
            ) from error
        if box in RESERVED:
            raise Rejected(f"{box} is a reserved name", hint="give the box another one")
        key = _checked_key(request, box)
        certificate = self._signed(box, key, ExtendedKeyUsageOID.CLIENT_AUTH, None)
        return Issued(
            certificate.public_bytes(Encoding.PEM).decode("ascii"),
            f"{certificate.serial_number:x}",
            to_text(certificate.not_valid_after_utc),
        )

    def revoke(self, serial: str) -> None:
        """Put a serial number (hex) on the revocation list; the broker reads it when it is told to reload."""
        known = {entry.serial_number: entry for entry in x509.load_pem_x509_crl(self.crl_path.read_bytes())}
        number = int(serial, 16)
        if number not in known:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(number)
                .revocation_date(datetime.now(UTC))
                .build()
            )
            self._write_crl([*known.values(), entry])

    def _make(self, key_path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        # The name carries part of the key, so that two sites' authorities cannot be confused.
        fingerprint = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Sentrybox site authority {fingerprint}")])
        certificate = (
            _builder(name, name, key.public_key(), AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(key_path, _private_bytes(key), 0o600)
        _write(self.certificate_path, certificate.public_bytes(Encoding.PEM), 0o644)

    def _write_pair(
        self, name: str, purpose: x509.ObjectIdentifier, names: x509.SubjectAlternativeName | None
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(name, key.public_key(), purpose, names)
        _write(self.home / f"{name}.key", _private_bytes(key), 0o600)
        _write(self.home / f"{name}.pem", certificate.public_bytes(Encoding.PEM), 0o644)

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            _builder(subject, self._certificate.subject, key, CERTIFICATE_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write_crl(self, entries: list[x509.RevokedCertificate]) -> None:
        now = datetime.now(UTC)
        # A revocation list that ran out would shut every box out, so it lasts as long as the authority.
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - CLOCK_SKEW)
            .next_update(self._certificate.not_valid_after_utc)
        )
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        _write(self.crl_path, builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM), 0o644)


def _checked_key(request: str, box: str) -> ec.EllipticCurvePublicKey:
    if len(request) > MAX_REQUEST:
        raise Rejected(f"a certificate request of {len(request)} bytes is over the limit of {MAX_REQUEST}")
    try:
        csr = x509.load_pem_x509_csr(request.encode("ascii"))
        key = csr.public_key()
        names = [attribute.value for attribute in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        signed = csr.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Rejected(
            "the certificate request cannot be read", hint="it is PEM, as made by openssl req"
        ) from error
    if not signed:
        raise Rejected("the certificate request is not signed by its own key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Rejected("the certificate request's key is not EC P-256")
    if names != [box]:
        raise Rejected(
            f"the certificate request is for {', '.join(map(str, names)) or 'nobody'}, not for {box}"
        )
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_in(path: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in extension.value}


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
