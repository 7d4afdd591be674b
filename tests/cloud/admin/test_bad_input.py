"""Requests that are wrong, each answered with problem details that say what is wrong, and none with a 500."""

import pytest

NOBODY = "019aca54-2b6e-7d30-9a51-1c6d52b7f0e3"
"""An id that nothing and nobody has: fixed, so that every worker gives the tests the same names."""
BAD = [
    ("GET", "/users/not-an-id", None, 422), ("GET", f"/users/{NOBODY}", None, 404),
    ("GET", f"/users/{NOBODY}/erasure", None, 404), ("DELETE", f"/users/{NOBODY}", None, 404),
    ("GET", "/users?limit=0", None, 422), ("GET", "/users?limit=abc", None, 422), ("GET", "/users?cursor=x", None, 422),
    ("POST", "/users/register", {"name": "x"}, 422), ("POST", "/users/register", [], 422),
    ("POST", "/users/register", {"name": "", "templates": []}, 422),
    ("POST", "/users/register", {"name": "A", "templates": [], "friends": [NOBODY]}, 422),
    ("POST", "/users/register", {"name": "A", "templates": [], "contacts": [{"channel": "fax", "address": "1"}]}, 422),
    ("POST", "/users/register", {"name": "A", "templates": [], "contacts": [{"channel": "sms", "address": "12"}]}, 422),
    ("POST", "/users/register", {"name": "A", "photos": ["%%%"]}, 422),
    ("POST", "/users/register", {"name": "A", "photos": [5]}, 422),
    ("GET", "/incidents?state=odd", None, 422), ("GET", "/incidents?since=2026-11-23T20:00:00", None, 422),
    ("GET", "/incidents?cursor=mine", None, 422), ("GET", f"/incidents/{NOBODY}", None, 404),
    ("PATCH", f"/incidents/{NOBODY}", {"action": "resolve"}, 404),
    ("PATCH", f"/incidents/{NOBODY}", {"action": "explode"}, 422),
    ("PATCH", f"/incidents/{NOBODY}", {"action": "assign"}, 422),
    ("PATCH", f"/incidents/{NOBODY}", {"action": "note"}, 422),
    ("GET", f"/incidents/{NOBODY}/evidence/zz", None, 422),
    ("GET", f"/incidents/{NOBODY}/evidence/{'0' * 64}", None, 404),
    ("POST", "/notify", {}, 422), ("POST", "/notify", {"users": [], "description": "x", "location": "y"}, 422),
    ("POST", "/notify", {"users": [NOBODY], "description": "x", "location": "y"}, 422),
    ("POST", "/notify", {"users": ["x"], "description": "x", "location": "y", "audience": ["everyone"]}, 422),
    ("GET", f"/notify/{NOBODY}", None, 404), ("GET", f"/blockchain/log/{NOBODY}", None, 404),
    ("GET", f"/blockchain/log/{NOBODY}/proof", None, 404), ("GET", "/ledger/secret/head", None, 422),
    ("GET", "/ledger/general/entries?cursor=-2", None, 422), ("POST", "/claim", {}, 422),
    ("POST", "/claim", {"code": "AAAA-BBBB-CCCC", "box": "b", "csr": "x", "public_key": "0" * 64}, 422),
    ("POST", "/claim", {"code": "A", "box": "No Name", "csr": "x", "public_key": "0" * 64}, 422),
    ("POST", "/boxes/unknown/revoke", None, 404), ("GET", "/trail?cursor=0", None, 422),
    ("PUT", "/site/contacts", {"security": [], "police": []}, 422),
    ("PUT", "/site/contacts", {"security": [], "police": [], "revision": "old"}, 409),
    ("PUT", "/site/contacts", {"security": [{"channel": "email", "address": "no"}], "police": [], "revision": ""}, 422),
    ("POST", "/accounts", {"name": "x", "password": "short", "role": "guard"}, 422),
    ("POST", "/accounts", {"name": "x", "password": "long enough", "role": "king"}, 422),
    ("POST", "/accounts", {"name": "<script>", "password": "long enough", "role": "guard"}, 422),
    ("POST", "/tokens", {"name": "x", "role": "root"}, 422), ("DELETE", "/tokens/nobody", None, 404),
    ("GET", "/nothing/here", None, 404), ("PUT", "/incidents", {}, 405),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD, ids=lambda v: str(v)[:60])
def test_bad_requests_are_answered_in_words(shared_campus, method, path, body, status):
    answer = shared_campus.clients["admin"].request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["detail"] and problem["code"] and problem["status"] == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("body", [b"{", b'{"users": ' + b"[" * 100_000, b"\xff\xfe", b"null", b'"text"', b"NaN", b""])
@pytest.mark.parametrize("path", ["/notify", "/users/register", "/tokens"])
def test_bodies_that_are_no_object(shared_campus, path, body):
    answer = shared_campus.clients["admin"].post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("path", "size"), [("/notify", 10 * 1024 * 1024), ("/users/register", 9 * 1024 * 1024)])
def test_a_body_over_the_limit_is_refused(shared_campus, path, size, announced):
    def chunks():
        for _ in range(size // 65536):
            yield b"x" * 65536

    content = b"x" * size if announced else chunks()
    answer = shared_campus.clients["admin"].post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413 and answer.json()["code"] in ("too_large", "request_entity_too_large",
                                                                   "content_too_large")


def test_a_broken_form_and_a_wrong_type(shared_campus):
    post = shared_campus.clients["admin"].post
    broken = post("/users/register", content=b"--x\r\nno", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert broken.status_code in (400, 422)
    assert post("/users/register", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    odd = post("/users/register", data={"name": "x"}, files=[("attachment", ("a.jpg", b"x", "image/jpeg"))])
    assert odd.status_code == 422 and "attachment" in odd.json()["detail"]
    many = post("/users/register", data={"name": "x"}, files=[("photos", ("a", b"x", "image/jpeg"))] * 11)
    assert many.status_code in (400, 422)


def test_what_goes_wrong_inside_is_a_500_without_details(campus, as_, monkeypatch):
    monkeypatch.setattr(campus.profiles, "page", lambda *a: 1 / 0)
    answer = as_.admin.get("/users")
    assert answer.status_code == 500 and answer.json()["code"] == "internal" and "division" not in answer.text


def test_a_contact_that_is_not_one_is_never_repeated_in_the_answer(shared_campus):
    secret = "+49 my private number"
    body = {"name": "A", "templates": [], "contacts": [{"channel": "sms", "address": secret}]}
    assert secret not in shared_campus.clients["admin"].post("/users/register", json=body).text
