"""Hashes, ECDSA P-256 signatures with a low S, and serialised identities, as Fabric has them.

Written apart from cloud.ledger.gateway on purpose: a mistake there must not be repeated here.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from fabric_protos.common.common_pb2 import BlockHeader
from fabric_protos.msp.identities_pb2 import SerializedIdentity

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer:
    """A node that signs: its serialised identity and its key, from an msp folder."""

    def __init__(self, mspid: str, msp: Path) -> None:
        (certificate,) = (msp / "signcerts").iterdir()
        (key,) = (msp / "keystore").iterdir()
        self.mspid = mspid
        self.creator = SerializedIdentity(mspid=mspid, id_bytes=certificate.read_bytes()).SerializeToString()
        self._key = serialization.load_pem_private_key(key.read_bytes(), None)

    def sign(self, data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return utils.encode_dss_signature(r, min(s, ORDER - s))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def transaction_id(nonce: bytes, creator: bytes) -> str:
    return hashlib.sha256(nonce + creator).hexdigest()


@lru_cache(maxsize=256)
def certificate(pem: bytes) -> x509.Certificate:
    """Raises ValueError when these bytes are no certificate."""
    return x509.load_pem_x509_certificate(pem)


def signed(certificate: x509.Certificate, data: bytes, signature: bytes) -> bool:
    """Whether the certificate's key made this signature over data. A high S is no signature to Fabric."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return False
    try:
        _, s = utils.decode_dss_signature(signature)
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return s <= ORDER // 2


def header_bytes(header: BlockHeader) -> bytes:
    """DER: SEQUENCE of INTEGER number, OCTET STRING previous hash, OCTET STRING data hash."""
    size = max(1, header.number.bit_length() // 8 + 1)
    body = _der(2, header.number.to_bytes(size, "big")) + _der(4, header.previous_hash) + _der(4, header.data_hash)
    return _der(0x30, body)


def _der(tag: int, content: bytes) -> bytes:
    if len(content) >= 0x80:
        raise ValueError("a block header is shorter than 128 bytes")
    return bytes((tag, len(content))) + content
