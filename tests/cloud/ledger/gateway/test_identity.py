from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fabric_protos.msp.identities_pb2 import SerializedIdentity

from cloud.ledger.gateway.failures import SetupError
from cloud.ledger.gateway.identity import P256_ORDER, Identity


def pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def files(organisations, org, user) -> tuple[Path, Path]:
    msp = organisations / org / "users" / user / "msp"
    return msp / "signcerts" / "cert.pem", msp / "keystore" / "key.pem"


def test_signatures_are_low_and_verify(organisations, identity):
    certificate = x509.load_pem_x509_certificate(files(organisations, "campus", "recorder")[0].read_bytes())
    for number in range(100):
        data = b"%d" % number
        signature = identity.sign(data)
        assert 0 < decode_dss_signature(signature)[1] <= P256_ORDER // 2
        certificate.public_key().verify(signature, data, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        certificate.public_key().verify(identity.sign(b"a"), b"b", ec.ECDSA(hashes.SHA256()))


def test_creator_is_the_certificate_with_its_organisation(organisations, identity):
    creator = SerializedIdentity.FromString(identity.creator)
    assert creator.mspid == "CampusMSP"
    assert creator.id_bytes == files(organisations, "campus", "recorder")[0].read_bytes()


def test_validity_is_that_of_the_certificate(organisations, identity):
    certificate = x509.load_pem_x509_certificate(files(organisations, "campus", "recorder")[0].read_bytes())
    assert (identity.not_before, identity.not_after) == (
        certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    assert identity.not_after.tzinfo is not None


@pytest.mark.parametrize("what", ["foreign key", "other curve", "no certificate", "no key", "rubbish"])
def test_unusable_material_is_refused_in_words(organisations, what):
    certificate, key = (path.read_bytes() for path in files(organisations, "campus", "recorder"))
    given, words = {
        "foreign key": ((certificate, files(organisations, "police", "listener")[1].read_bytes()), "does not belong"),
        "other curve": ((certificate, pem(ec.generate_private_key(ec.SECP384R1()))), "P-256"),
        "no certificate": ((key, key), "not readable PEM"),
        "no key": ((certificate, certificate), "not readable PEM"),
        "rubbish": ((b"\0", b"\xff"), "not readable PEM"),
    }[what]
    with pytest.raises(SetupError, match=words) as caught:
        Identity("CampusMSP", *given)
    assert "CampusMSP" in str(caught.value)


def test_missing_or_broken_file_is_named(organisations, tmp_path):
    certificate, key = files(organisations, "campus", "recorder")
    with pytest.raises(SetupError, match=r"nowhere\.pem cannot be read: No such file"):
        Identity.load("CampusMSP", tmp_path / "nowhere.pem", key)
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(SetupError, match=r"broken\.pem"):
        Identity.load("CampusMSP", certificate, broken)
