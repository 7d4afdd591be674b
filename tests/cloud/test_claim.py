from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cloud.ca import Authority
from cloud.claim import claim, create_code
from cloud.database import boxes
from cloud.database.opening import connect
from contract.claim import BrokerAddress, ClaimRequest
from contract.errors import Conflict, Rejected

BROKER = BrokerAddress(host="127.0.0.1", port=1)


@pytest.fixture
def site(tmp_path):
    database = connect(f"sqlite:///{tmp_path}/cloud.db")
    yield database, Authority(tmp_path / "authority")
    database.close()


def code(site, **options) -> str:
    with site[0].write() as session:
        return create_code(session, "admin", **options)


def request(code: str, box: str = "gate-1", public_key: str = "ab" * 32) -> ClaimRequest:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)])
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return ClaimRequest(
        code=code, box=box, csr=csr.public_bytes(Encoding.PEM).decode(), public_key=public_key
    )


def ask(site, wanted: ClaimRequest):
    return claim(*site, wanted, BROKER, "campus")


def test_a_code_makes_an_active_box(site):
    answer = ask(site, request(code(site)))
    with site[0].read() as session:
        box = boxes.active(session, "gate-1")
    assert box.public_key == "ab" * 32
    assert (
        box.certificate_serial
        == f"{x509.load_pem_x509_certificate(answer.certificate.encode()).serial_number:x}"
    )
    assert (answer.box, answer.broker, answer.ca) == ("gate-1", BROKER, site[1].certificate)


def test_the_same_again_gives_the_same_answer(site):
    wanted = request(code(site))
    assert ask(site, wanted) == ask(site, wanted)


def test_spaces_and_small_letters_are_forgiven(site):
    made = code(site)
    ask(site, request(f" {made.lower().replace('-', ' ')} "))


def test_a_code_is_for_one_box_and_one_key(site):
    made = code(site)
    ask(site, request(made))
    for other in (request(made, "gate-2"), request(made, public_key="cd" * 32)):
        with pytest.raises(Rejected, match="used already"):
            ask(site, other)


def test_unknown_and_expired_codes_are_refused(site):
    with pytest.raises(Rejected, match="not known"):
        ask(site, request("AAAA-BBBB-CCCC"))
    with pytest.raises(Rejected, match="expired"):
        ask(site, request(code(site, valid=timedelta(0))))


def test_a_refused_request_does_not_use_up_the_code(site):
    made = code(site)
    wrong = request(made).model_copy(update={"box": "gate-2"})
    with pytest.raises(Rejected, match="not for gate-2"):
        ask(site, wrong)
    ask(site, request(made))


def test_a_box_may_be_claimed_again_with_its_own_key_only(site):
    ask(site, request(code(site)))
    ask(site, request(code(site)))
    with pytest.raises(Conflict, match="another key"):
        ask(site, request(code(site), public_key="cd" * 32))
    with site[0].write() as session:
        boxes.revoke(session, "gate-1", "admin")
    with pytest.raises(Conflict, match="revoked"):
        ask(site, request(code(site)))


def test_only_the_hash_of_a_code_is_kept(site, tmp_path):
    made = code(site)
    site[0].close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("cloud.db*"))
    assert made.encode() not in stored
    assert made.replace("-", "").encode() not in stored
