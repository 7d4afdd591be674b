"""Keys and X.509 certificates (ECDSA P-256) as Fabric's membership service wants them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.ledger.fabric import whole
from contract.errors import Rejected

ATTRIBUTES_OID = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""Where Fabric CA puts attributes: the raw bytes of {"attrs": {...}}, read by the chaincode's `cid` library."""
AUTHORITY_DAYS = 7300
CERTIFICATE_DAYS = 1825
CLOCK_SKEW = timedelta(hours=1)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MEND = "restore both files from a backup, or begin a new network with `sentrybox fabric reset`"


class Pair(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority(NamedTuple):
    """A certificate authority that can sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def authority(certificate_path: Path, key_path: Path, name: str, organisation: str) -> Authority:
    """Return the authority in these two files, made when the certificate is not there. Raises Rejected when they do not
    belong together."""
    if not certificate_path.exists():
        # The key first: a crash in between leaves no certificate, and both are made again.
        pair = _self_signed(name, organisation)
        whole.write(key_path, pair.key, 0o600)
        whole.write(certificate_path, pair.certificate)
    try:
        key = load_pem_private_key(key_path.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    except (OSError, ValueError) as error:
        raise Rejected(f"the certificate authority {certificate_path} cannot be read: {error}", hint=MEND) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise Rejected(f"{key_path} is not the key of {certificate_path}", hint=MEND)
    return Authority(certificate, key)


def member(issuer: Authority, name: str, unit: str, attributes: Mapping[str, str],
           not_before: datetime | None = None, not_after: datetime | None = None) -> Pair:
    """Return a signing certificate of a member: OU `unit` (client, peer, admin or orderer) and Fabric CA attributes."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name, _organisation(issuer), unit)
    builder = _leaf(issuer, subject, key.public_key(), not_before, not_after).add_extension(
        _usage(authority=False), critical=True)
    if attributes:
        text = json.dumps({"attrs": dict(attributes)}, separators=(",", ":"), sort_keys=True)
        builder = builder.add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, text.encode()), critical=False)
    return Pair(_pem(builder.sign(issuer.key, hashes.SHA256())), _private(key))


def tls(issuer: Authority, name: str) -> Pair:
    """Return a TLS certificate for a node on this machine, good as server and as client: Fabric's nodes are both."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([_general_name(each) for each in (name, *LOOPBACK)])
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        _leaf(issuer, _name(name, _organisation(issuer), None), key.public_key(), None, None)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(names, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return Pair(_pem(certificate), _private(key))


def _self_signed(name: str, organisation: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = _name(name, organisation, None), datetime.now(UTC)
    certificate = (
        _builder(subject, subject, key.public_key(), now - CLOCK_SKEW, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(_pem(certificate), _private(key))


def _leaf(issuer: Authority, subject: x509.Name, key: ec.EllipticCurvePublicKey,
          not_before: datetime | None, not_after: datetime | None) -> x509.CertificateBuilder:
    # Fabric checks the chain as of the first second of the member's certificate: the authority's must hold by then.
    authority_began = issuer.certificate.not_valid_before_utc
    end = not_after or datetime.now(UTC) + timedelta(days=CERTIFICATE_DAYS)
    begin = not_before or (authority_began if authority_began < end else end - CLOCK_SKEW)
    return (
        _builder(subject, issuer.certificate.subject, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey,
             begin: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False)


def _name(common: str, organisation: str, unit: str | None) -> x509.Name:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), *units,
                      x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _organisation(issuer: Authority) -> str:
    return str(issuer.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
