import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cloud.ca import Authority
from contract.errors import Rejected


def request(*names: str, key=None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


def test_a_request_becomes_a_client_certificate_and_no_more(authority):
    issued = authority.sign_request(request("gate-1"), "gate-1")
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    root = x509.load_pem_x509_certificate(authority.certificate.encode())
    certificate.verify_directly_issued_by(root)
    assert certificate.subject.rfc4514_string() == "CN=gate-1"
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert int(issued.serial, 16) == certificate.serial_number


def broken(text: str) -> str:
    der = bytearray(x509.load_pem_x509_csr(text.encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    import base64

    return (
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.encodebytes(bytes(der)).decode()
        + "-----END CERTIFICATE REQUEST-----\n"
    )


@pytest.mark.parametrize(
    ("csr", "box", "said"),
    [
        (request("other"), "gate-1", "for other, not for gate-1"),
        (request("gate-1", "cloud"), "gate-1", "gate-1, cloud"),
        (request(), "gate-1", "for nobody"),
        (request("cloud"), "cloud", "reserved"),
        (request("Gate/+#"), "Gate/+#", "not a box id"),
        (request("gate-1", key=rsa.generate_private_key(65537, 2048)), "gate-1", "P-256"),
        (request("gate-1", key=ec.generate_private_key(ec.SECP384R1())), "gate-1", "P-256"),
        (broken(request("gate-1")), "gate-1", "own key|cannot be read"),
        ("rubbish", "gate-1", "cannot be read"),
        ("ü" * 99, "gate-1", "cannot be read"),
        ("x" * 20000, "gate-1", "limit"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(authority, csr, box, said):
    with pytest.raises(Rejected, match=said):
        authority.sign_request(csr, box)


def test_it_stays_itself_and_its_keys_are_private(authority, tmp_path):
    certificate, key = authority.server("broker", ("cloud.example.org", "192.0.2.7"))
    again = Authority(tmp_path)
    assert again.certificate == authority.certificate
    before = certificate.read_bytes()
    assert again.server("broker")[0].read_bytes() == before
    assert again.server("broker", ("new.example.org",))[0].read_bytes() != before
    for path in (key, tmp_path / "ca.key", authority.client("cloud")[1]):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_revoked_numbers_stay_on_the_list(authority, tmp_path):
    serials = [authority.sign_request(request("gate-1"), "gate-1").serial for _ in range(3)]
    for serial in (serials[0], serials[2], serials[0]):
        Authority(tmp_path).revoke(serial)
    found = {f"{entry.serial_number:x}" for entry in x509.load_pem_x509_crl(authority.crl_path.read_bytes())}
    assert found == {serials[0], serials[2]}


def test_half_an_authority_is_refused(authority, tmp_path):
    (tmp_path / "ca.key").unlink()
    with pytest.raises(Rejected, match="backup"):
        Authority(tmp_path)
