"""Signers: X.509 members of a Fabric organisation, under the root certificates that a proof brings along.

What Fabric's membership service asks of a signer, and no more: ECDSA P-256, low S, a certificate issued by the
organisation's root, one node unit (client, peer, admin or orderer). Not known here: intermediate authorities and
revocation lists.
"""

from collections.abc import Mapping
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import NameOID
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from google.protobuf.message import DecodeError

from contract.errors import Rejected

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
UNITS = frozenset({"client", "peer", "admin", "orderer"})
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
              x509.ExtensionNotFound, x509.UnsupportedGeneralNameType)


class Moment(NamedTuple):
    """A point in time as a channel header has it: Unix seconds and nanoseconds."""

    seconds: int
    nanos: int


class Member(NamedTuple):
    """A member of an organisation, as its certificate names it."""

    mspid: str
    name: str
    unit: str

    def __str__(self) -> str:
        return f"{self.mspid} ({self.unit} {self.name})"


def der(tag: int, content: bytes) -> bytes:
    """Return one DER element with a definite length."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


class Signers:
    """The organisations of a proof. `at`: the time at which every certificate must be valid.

    `used`: the organisations that signed something.
    """

    def __init__(self, roots: Mapping[str, bytes], at: Moment) -> None:
        self._at = at
        self._roots = {mspid: _root(mspid, content, at) for mspid, content in roots.items()}
        self.used: set[str] = set()

    def check(self, creator: bytes, signature: bytes, data: bytes, *, units: frozenset[str], what: str) -> Member:
        """Return the member whose signature `what` carries. `creator` is its serialised msp.SerializedIdentity.

        Raises Rejected unless it is a member under a root of the proof, of one of `units`, valid at the time, and
        signed exactly `data`.
        """
        try:
            identity = SerializedIdentity.FromString(creator)
            certificate = x509.load_pem_x509_certificate(identity.id_bytes)
            key = certificate.public_key()
            named = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
            common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            authority = _is_authority(certificate)
        except (DecodeError, *UNREADABLE) as error:
            raise Rejected(f"the identity under {what} cannot be read: {type(error).__name__}: {error}") from error
        mspid = identity.mspid
        if mspid not in self._roots:
            raise Rejected(f"{what} is signed by a member of {mspid}, whose root the proof does not have")
        whose = f"the certificate under {what}, of {mspid}"
        _check_issued(certificate, self._roots[mspid], whose)
        _check_valid(certificate, self._at, whose)
        unit = sorted({str(attribute.value) for attribute in named} & UNITS)
        if len(unit) != 1 or unit[0] not in units or authority:
            raise Rejected(f"{whose}, is of unit {', '.join(unit) or 'none'}; {' or '.join(sorted(units))} is wanted")
        check_ecdsa(key, signature, data, what)
        self.used.add(mspid)
        return Member(mspid, str(common[0].value) if common else "", unit[0])


def check_ecdsa(key: object, signature: bytes, data: bytes, what: str) -> None:
    """Raise Rejected unless `signature` (DER, low S) is an ECDSA P-256 signature over SHA-256 of `data`."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Rejected(f"the key under {what} is not an ECDSA P-256 key")
    try:
        r, s = decode_dss_signature(signature)
        if encode_dss_signature(r, s) != signature:
            raise Rejected(f"the signature of {what} is not DER")
        if s > P256_ORDER // 2:
            raise Rejected(f"the signature of {what} has a high S, which Fabric refuses")
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise Rejected(f"the signature of {what} does not fit") from error


def _root(mspid: str, content: bytes, at: Moment) -> x509.Certificate:
    whose = f"the root of {mspid}"
    try:
        certificate = x509.load_der_x509_certificate(content)
        # Nothing else signs a root's bytes: they must be the one spelling of what its own signature is over.
        parts = certificate.tbs_certificate_bytes + ECDSA_WITH_SHA256 + der(0x03, b"\0" + certificate.signature)
        key, authority = certificate.public_key(), _is_authority(certificate) and _may_issue(certificate)
    except UNREADABLE as error:
        raise Rejected(f"{whose} is not a certificate: {type(error).__name__}: {error}") from error
    if der(0x30, parts) != content:
        raise Rejected(f"{whose} is not the DER of a certificate signed by ECDSA with SHA-256")
    if not authority:
        raise Rejected(f"{whose} is not the certificate of an authority")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Rejected(f"the key of {whose} is not an ECDSA P-256 key")
    _check_issued(certificate, certificate, whose)
    _check_valid(certificate, at, whose)
    return certificate


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate, whose: str) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE) as error:
        raise Rejected(f"{whose}, was not issued by the root in the proof") from error


def _check_valid(certificate: x509.Certificate, at: Moment, whose: str) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not (int(begin.timestamp()), 0) <= at <= (int(end.timestamp()), 0):
        raise Rejected(f"{whose}, was not valid at the transaction's time: only from {begin} to {end}")
