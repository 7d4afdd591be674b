"""Claiming a box over HTTPS from the cloud's own claim code."""

import json
import ssl
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.sync.claim import claim, endpoint, signing_request
from appliance.sync.keys import box_key, tls_key
from cloud import claim as cloud_claim
from cloud.ca import Authority as CloudAuthority
from cloud.database.opening import connect
from contract.chain import public_key_text
from contract.claim import BrokerAddress, ClaimRequest
from contract.errors import Conflict, Rejected, SentryboxError, Unavailable
from tests.support.broker import Authority


class Page:
    """POST /claim over TLS, answered by the cloud's code; `status` and `body` override the answer."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.database = connect(f"sqlite:///{folder / 'cloud.db'}")
        self.cloud_authority = CloudAuthority(folder / "authority")
        self.requests, self.override = [], None
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                page.requests.append((self.path, text))
                status, body = page.override or page.answer(text)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_arguments):
                pass

        certificate, key = self.authority.issue("localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://127.0.0.1:{self.server.server_port}"

    def code(self):
        with self.database.write() as session:
            return cloud_claim.create_code(session, "admin")

    def answer(self, text):
        try:
            wanted = ClaimRequest.model_validate_json(text)
            broker = BrokerAddress(host="broker.example.org", port=8883)
            made = cloud_claim.claim(self.database, self.cloud_authority, wanted, broker, "North campus")
            return 200, made.model_dump_json()
        except SentryboxError as error:
            return 409 if isinstance(error, Conflict) else 422, json.dumps({"detail": error.detail})


@pytest.fixture
def page(tmp_path):
    (tmp_path / "cloud").mkdir()
    made = Page(tmp_path / "cloud")
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.database.close()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_a_code_becomes_a_certificate_for_the_boxs_own_key(page, home):
    assert endpoint(home) is None
    end = claim(page.url + "/", page.authority.certificate, f" {page.code()}\n", home, "gate-1")
    assert end == endpoint(home)
    assert (end.box, end.site, end.host, end.port) == ("gate-1", "North campus", "broker.example.org", 8883)
    certificate = x509.load_pem_x509_certificate(end.certificate.read_bytes())
    key = load_pem_private_key(end.key.read_bytes(), password=None)
    assert certificate.public_key() == key.public_key() == tls_key(home).public_key()
    assert end.ca.read_text() == page.cloud_authority.certificate
    ssl.create_default_context(cafile=str(end.ca)).load_cert_chain(end.certificate, end.key)


def test_claiming_again_asks_nobody_and_another_name_is_a_conflict(page, home):
    end = claim(page.url, page.authority.certificate, page.code(), home, "gate-1")
    assert claim("https://127.0.0.1:1", None, "any", home, "gate-1") == end
    with pytest.raises(Conflict, match="claimed as 'gate-1'"):
        claim(page.url, page.authority.certificate, page.code(), home, "gate-2")
    assert len(page.requests) == 1


def test_a_lost_answer_is_asked_for_again_with_the_same_keys(page, home):
    code, real = page.code(), page.answer
    page.answer = lambda text: (real(text), (500, "{}"))[1]
    with pytest.raises(Unavailable, match="same code"):
        claim(page.url, page.authority.certificate, code, home, "gate-1")
    assert endpoint(home) is None
    page.answer = real
    assert claim(page.url, page.authority.certificate, code, home, "gate-1").box == "gate-1"


def test_a_used_or_wrong_code_is_refused_in_the_clouds_words(page, home, tmp_path):
    with pytest.raises(Rejected, match="not known"):
        claim(page.url, page.authority.certificate, "AAAA-BBBB-CCCC", home, "gate-1")
    code = page.code()
    claim(page.url, page.authority.certificate, code, home, "gate-1")
    with pytest.raises(Rejected, match="used already"):
        claim(page.url, page.authority.certificate, code, tmp_path / "other", "gate-2")


def test_private_keys_stay_here_and_are_nobody_elses(page, home):
    claim(page.url, page.authority.certificate, page.code(), home, "gate-1")
    for name in ("box.pem", "tls.pem"):
        path = home / "keys" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secret = path.read_text().splitlines()[1]
        assert all(secret not in text for _, text in page.requests)
    assert json.loads(page.requests[0][1])["public_key"] == public_key_text(box_key(home))
    assert "PRIVATE" not in page.requests[0][1]


def test_keys_are_made_once(home):
    assert public_key_text(box_key(home)) == public_key_text(box_key(home))
    assert signing_request(home, "a").startswith("-----BEGIN CERTIFICATE REQUEST")
    (home / "keys" / "box.pem").write_text("rubbish")
    with pytest.raises(Rejected, match="not a private key"):
        box_key(home)


@pytest.mark.parametrize(("url", "error", "words"), [
    ("http://cloud.example.org", Rejected, "must not be read"), ("ftp://127.0.0.1", Rejected, "must not be read"),
    ("https://127.0.0.1:1", Unavailable, "cannot be reached")])
def test_addresses_that_will_not_do(home, url, error, words):
    with pytest.raises(error, match=words):
        claim(url, None, "code", home, "gate-1")
    assert endpoint(home) is None


def test_an_authority_that_does_not_fit_gets_nothing(page, home):
    with pytest.raises(Unavailable, match="certificate"):
        claim(page.url, None, page.code(), home, "gate-1")
    assert page.requests == []


@pytest.mark.parametrize("answer", [(200, "{}"), (200, "<html>"), (302, ""), (404, "nothing"), (422, "[1]")])
def test_an_odd_answer_leaves_the_box_unclaimed(page, home, answer):
    page.override = answer
    with pytest.raises(Rejected):
        claim(page.url, page.authority.certificate, "code", home, "gate-1")
    assert endpoint(home) is None


def test_a_certificate_for_another_key_is_refused(page, home, tmp_path):
    other = signing_request(tmp_path / "other", "gate-1")
    page.override = 200, json.dumps({"certificate": page.authority.sign(other), "ca": "x", "box": "gate-1",
                                     "broker": {"host": "h", "port": 1}, "site": ""})
    with pytest.raises(Rejected, match="another key"):
        claim(page.url, page.authority.certificate, "code", home, "gate-1")


def test_a_name_that_is_none_is_refused(page, home):
    with pytest.raises(Rejected, match="no name for a box"):
        claim(page.url, page.authority.certificate, page.code(), home, "up/#")
