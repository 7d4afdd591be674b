"""The fleet, contacts, accounts, sessions, the audit trail, health; and every page with every role."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import text
from starlette.testclient import TestClient

from cloud.admin.rules import COOKIE, RULES
from cloud.database import boxes, site
from contract.messages import Status
from contract.moments import now

BROWSER = {"Sec-Fetch-Site": "same-origin"}


def browser(campus) -> TestClient:
    return TestClient(campus.app, base_url="https://cloud.test", raise_server_exceptions=False, follow_redirects=False)


def csr(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(
        NameOID.COMMON_NAME, name)])).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode())


def test_a_box_joins_by_its_code_once(campus, as_):
    code = as_.admin.post("/boxes/claim-codes").json()["code"]
    body = {"code": code, "box": "gate-box", "csr": csr("gate-box"), "public_key": "ab" * 32}
    answer = as_.nobody.post("/claim", json=body)
    assert answer.status_code == 200 and "BEGIN CERTIFICATE" in answer.json()["certificate"], answer.text
    other = as_.nobody.post("/claim", json={**body, "box": "thief", "csr": csr("thief")})
    assert other.status_code == 422 and "used already" in other.json()["detail"]
    assert {b["id"]: b["state"] for b in as_.guard.get("/boxes").json()["items"]} == {
        "roof-box": "active", "gate-box": "active"}
    assert as_.admin.post("/boxes/gate-box/revoke").status_code == 204
    assert {b["id"]: b["state"] for b in as_.guard.get("/boxes").json()["items"]}["gate-box"] == "revoked"


def test_the_fleet_shows_what_a_box_said_last(campus, as_):
    status = Status(at=now(), version="0.1.0", packs=("open",), cursor=1, waiting=2, profiles=2,
                    profiles_digest="0" * 64, cameras={"roof": "live", "gate": "no answer"})
    with campus.database.write() as session:
        boxes.heard(session, "roof-box", status, agrees=False)
    [box] = as_.guard.get("/boxes").json()["items"]
    assert (box["version"], box["waiting"], box["digest_ok"]) == ("0.1.0", 2, False)
    assert box["cameras"]["gate"] == "no answer"
    assert box["behind"] > 0 and box["last_seen"]
    page = as_.guard.get("/ui/boxes").text
    assert "differ from here" in page and "no answer" in page and "Make a code" not in page


def test_contacts_change_with_the_revision_read(campus, as_):
    known = as_.admin.get("/site/contacts").json()
    security = [{"channel": "email", "address": "s@example.org"}]
    change = {"security": security, "police": [], "revision": known["revision"]}
    assert as_.admin.put("/site/contacts", json=change).status_code == 200
    assert as_.admin.put("/site/contacts", json=change).status_code == 409
    with campus.database.read() as session:
        assert site.get(session).security[0].address == "s@example.org"
    assert "E-mail: s@example.org" in as_.supervisor.get("/ui/contacts").text


def test_the_first_account_by_its_link_then_log_in_and_out(campus):
    page = browser(campus)
    assert "no account yet" in page.get("/login").text
    secret = campus.accounts.first_link()
    form = {"secret": secret, "name": "Ada", "password": "correct horse battery", "again": "correct horse battery"}
    assert page.post("/first", data={**form, "again": "x"}, headers=BROWSER).status_code == 422
    assert page.post("/first", data={**form, "secret": "guess"}, headers=BROWSER).status_code == 422
    answer = page.post("/first", data=form, headers=BROWSER)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=strict", COOKIE))
    assert page.get("/session").json() == {"name": "Ada", "role": "admin"}
    assert page.post("/first", data=form, headers=BROWSER).status_code == 422, "the link works once"
    assert page.post("/logout", headers=BROWSER).status_code == 303
    assert page.get("/session").status_code == 401
    assert page.post("/login", data={"name": "Ada", "password": "wrong"}, headers=BROWSER).status_code == 401
    answer = page.post("/login", data={"name": "Ada", "password": "correct horse battery", "next": "/ui/boxes"},
                       headers=BROWSER)
    assert answer.status_code == 303 and answer.headers["location"] == "/ui/boxes"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_log_in_never_leads_elsewhere(campus, target):
    campus.accounts.create("Ada", "correct horse battery", "guard")
    answer = browser(campus).post("/login", data={"name": "Ada", "password": "correct horse battery", "next": target},
                                  headers=BROWSER)
    assert answer.headers["location"] == "/"


def test_guessing_is_locked_out_and_a_restart_does_not_help(campus):
    campus.accounts.create("Ada", "correct horse battery", "guard")
    answers = [browser(campus).post("/login", data={"name": "Ada", "password": "wrong"}, headers=BROWSER).status_code
               for _ in range(6)]
    assert answers[:5] == [401] * 5 and answers[5] == 429
    right = browser(campus).post("/login", data={"name": "Ada", "password": "correct horse battery"}, headers=BROWSER)
    assert right.status_code == 429


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"},
                                     {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}])
def test_a_session_cannot_be_used_by_another_sites_page(campus, headers):
    campus.accounts.create("Ada", "correct horse battery", "admin")
    page = browser(campus)
    page.cookies.set(COOKIE, campus.accounts.log_in("Ada", "correct horse battery"))
    answer = page.post("/tokens", json={"name": "t", "role": "admin"}, headers=headers)
    assert answer.status_code == 403 and answer.json()["code"] == "cross_site"
    assert page.post("/tokens", json={"name": "t", "role": "admin"}, headers=BROWSER).status_code == 201


def test_tokens_work_until_they_are_ended(campus, as_):
    token = as_.admin.post("/tokens", json={"name": "ci", "role": "guard"}).json()["token"]
    assert campus.client(token).get("/session").json() == {"name": "ci", "role": "guard"}
    assert token not in as_.admin.get("/accounts").text
    assert as_.admin.delete("/tokens/ci").status_code == 204
    assert campus.client(token).get("/session").status_code == 401


def test_the_audit_trail_names_who_did_what_and_notices_a_change(campus, as_):
    as_.admin.delete(f"/users/{campus.ben.id}")
    page = as_.admin.get("/trail?limit=3").json()
    assert page["intact"] is True and page["items"][0]["by"] == "test-admin"
    assert page["items"][0]["subject"] == campus.ben.id and "Ben" not in as_.admin.get("/trail").text
    older = as_.admin.get(f"/trail?limit=3&cursor={page['next']}").json()
    assert older["items"][0]["number"] == page["items"][-1]["number"] - 1
    with campus.database.write() as session:
        session.execute(text("UPDATE audit SET by = 'somebody' WHERE number = 2"))
    broken = as_.admin.get("/trail").json()
    assert broken["intact"] is False and "line 2" in broken["fault"]
    assert "line 2" in as_.admin.get("/ui/trail").text


def test_health_and_figures(campus, as_):
    campus.put_incident()
    assert as_.nobody.get("/healthz").json() == {"status": "ok"}
    assert as_.nobody.get("/readyz").json() == {"ready": True, "problems": [], "warnings": []}
    figures = as_.nobody.get("/metrics").text
    for line in ("sentrybox_profiles 2.0", 'sentrybox_boxes{state="active"} 1.0',
                 'sentrybox_deliveries{state="pending"} 3.0', 'sentrybox_ledger_jobs{state="recorded"} 2.0'):
        assert line in figures
    assert "Anna" not in figures and campus.anna.id not in figures


PAGES = sorted(path for (method, path) in RULES if method == "GET" and path.startswith("/ui/"))


@pytest.fixture(scope="module")
def lived_in(shared_campus):
    incident = shared_campus.put_incident("critical", description="<script>alert(1)</script>")
    shared_campus.anchor()
    erased = shared_campus.profiles.create(shared_campus.ben.model_copy(update={
        "id": "0190a000-0000-7000-8000-000000000001", "name": "Gone Example"}), "test")
    shared_campus.profiles.erase(erased.id, "test")
    shared_campus.accounts.create("grace", "correct horse battery", "guard")
    return {"name": "Grace", "incident_id": incident.id, "user_id": shared_campus.anna.id, "erased": erased.id}


@pytest.mark.parametrize("role", ["guard", "supervisor", "admin", "police"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_for_whom_it_is_for(shared_campus, lived_in, path, role):
    values = {**lived_in, "user_id": lived_in["erased"]} if path.endswith("/erasure") else lived_in
    answer = shared_campus.clients[role].get(path.format(**values))
    if role not in RULES["GET", path]:
        assert answer.status_code == 403
        return
    assert answer.status_code == 200 and answer.text.rstrip().endswith("</html>")
    assert "<script>alert" not in answer.text and "http://" not in answer.text and "https://" not in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text and " onclick=" not in answer.text, "the policy would refuse them"


def test_a_page_of_nothing_says_so_as_a_page(as_):
    answer = as_.guard.get("/ui/people/0190a000-0000-7000-8000-000000000009")
    assert answer.status_code == 404 and "There is no person" in answer.text.replace("there", "There")
    assert answer.headers["content-type"].startswith("text/html")


def test_openapi_describes_every_route_with_its_roles(as_):
    document = as_.nobody.get("/openapi.json").json()
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    assert described == {r for r in RULES if not r[1].startswith(("/ui/", "/a/", "/docs", "/openapi", "/login",
                                                                  "/logout", "/first", "/reset")) and r[1] != "/"} | {
        r for r in RULES if r[1].startswith("/a/")}
    assert document["paths"]["/users"]["get"]["x-roles"] == ["admin", "guard", "supervisor"]
    assert "POST" in as_.nobody.get("/docs").text
