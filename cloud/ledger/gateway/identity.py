"""A member of an organisation: its certificate, and signatures in its name."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fabric_protos.msp.identities_pb2 import SerializedIdentity

from cloud.ledger.gateway.failures import SetupError

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Identity:
    """An X.509 certificate of an organisation (mspid) with its ECDSA P-256 key. Safe to share between threads."""

    def __init__(self, mspid: str, certificate_pem: bytes, key_pem: bytes) -> None:
        """Read certificate and key. Raises SetupError when certificate or key cannot be read, are not P-256, or do not
        belong together.
        """
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            key = load_pem_private_key(key_pem, None)
        except (ValueError, TypeError) as error:
            raise SetupError(f"identity of {mspid}: certificate or key is not readable PEM: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise SetupError(f"identity of {mspid}: the key is not ECDSA on P-256, which Fabric needs here")
        if certificate.public_key() != key.public_key():
            raise SetupError(f"identity of {mspid}: the key does not belong to the certificate")
        self.mspid = mspid
        self.name = certificate.subject.rfc4514_string()
        self._certificate = certificate
        self._key = key
        self._creator: bytes = SerializedIdentity(mspid=mspid, id_bytes=certificate_pem).SerializeToString()

    @classmethod
    def load(cls, mspid: str, certificate_path: Path, key_path: Path) -> "Identity":
        """Read an identity from two PEM files. Raises SetupError that names the file."""
        try:
            return cls(mspid, certificate_path.read_bytes(), key_path.read_bytes())
        except OSError as error:
            raise SetupError(f"identity of {mspid}: {error.filename} cannot be read: {error.strerror}") from error
        except SetupError as error:
            raise SetupError(f"{error} (files {certificate_path} and {key_path})") from error

    @property
    def creator(self) -> bytes:
        """Return the msp.SerializedIdentity, as it stands in every signed message."""
        return self._creator

    @property
    def not_before(self) -> datetime:
        """Start of validity, UTC."""
        return self._certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """End of validity, UTC."""
        return self._certificate.not_valid_after_utc

    def sign(self, data: bytes) -> bytes:
        """Return a DER ECDSA signature over SHA-256 of these very bytes. The lower of the two possible s: peers refuse
        the other one, as anybody could turn one into the other without the key.
        """
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return encode_dss_signature(r, min(s, P256_ORDER - s))
