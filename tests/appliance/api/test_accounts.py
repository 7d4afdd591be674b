"""Logging in, accounts, tokens."""

import pytest

from appliance.api.auth import COOKIE
from tests.appliance.api.conftest import House

PASSWORD = "correct horse battery"
HERE = {"Origin": "http://testserver"}


def test_first_account_by_its_link(house: House):
    secret, client = house.store.accounts.first_link(), house.as_("anonymous")
    assert secret in client.get("/first", params={"secret": secret}).text
    short = client.post("/first", data={"secret": secret, "name": "grace", "password": "short", "again": "short"})
    assert short.status_code == 422 and "at least 10" in short.text
    differ = client.post("/first", data={"secret": secret, "name": "grace", "password": PASSWORD, "again": "other"})
    assert differ.status_code == 422 and "differ" in differ.text
    wrong = client.post("/first", data={"secret": "x", "name": "grace", "password": PASSWORD, "again": PASSWORD})
    assert wrong.status_code == 422 and "this link is wrong or was used" in wrong.text.lower()
    made = client.post("/first", data={"secret": secret, "name": "grace", "password": PASSWORD, "again": PASSWORD})
    assert made.status_code == 303 and made.headers["location"] == "/"
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert client.get("/session").json() == {"name": "grace", "role": "admin"}
    again = client.post("/first", data={"secret": secret, "name": "eve", "password": PASSWORD, "again": PASSWORD},
                        headers=HERE)
    assert again.status_code == 422


def test_log_in_and_out(house: House):
    house.store.accounts.create("grace", PASSWORD, "guard")
    client = house.as_("anonymous")
    wrong = client.post("/login", data={"name": "grace", "password": "wrong"})
    assert wrong.status_code == 401 and "Wrong name or password" in wrong.text and 'value="grace"' in wrong.text
    good = client.post("/login", data={"name": "grace", "password": PASSWORD, "next": "/ui/people?search=a"})
    assert good.status_code == 303 and good.headers["location"] == "/ui/people?search=a"
    session = client.cookies[COOKIE]
    assert client.get("/ui/people").status_code == 200
    assert client.post("/logout", headers=HERE).status_code == 303
    assert house.store.accounts.by_session(session) is None
    assert client.get("/ui/people").headers["location"] == "/login?next=/ui/people"


def test_the_cookie_is_secure_over_tls(house: House):
    house.store.accounts.create("grace", PASSWORD, "guard")
    answer = house.as_("anonymous").post("https://testserver/login", data={"name": "grace", "password": PASSWORD})
    assert "Secure" in answer.headers["set-cookie"]


def test_lockout_is_429(house: House):
    house.store.accounts.create("grace", PASSWORD, "guard")
    client = house.as_("anonymous")
    for _ in range(20):
        answer = client.post("/login", data={"name": "grace", "password": "wrong"})
        if answer.status_code != 401:
            break
    assert answer.status_code == 429
    assert client.post("/login", data={"name": "grace", "password": PASSWORD}).status_code == 429


def test_log_in_from_elsewhere_is_refused(house: House):
    answer = house.as_("anonymous").post("/login", data={}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_accounts_and_tokens(house: House):
    admin = house.as_("admin")
    made = admin.post("/accounts", json={"name": "alan", "password": PASSWORD, "role": "guard"})
    assert made.status_code == 201 and made.json() == {"name": "alan", "role": "guard"}
    assert admin.post("/accounts", json={"name": "alan", "password": PASSWORD, "role": "guard"}).status_code == 409
    token = admin.post("/tokens", json={"name": "camera bridge", "role": "guard"}).json()
    assert house.as_("anonymous").get(
        "/session", headers={"Authorization": f"bearer {token['token']}"}).json()["role"] == "guard"
    listed = admin.get("/accounts")
    assert {"alan", "camera bridge"} <= {a["name"] for a in listed.json()["items"]}
    assert PASSWORD not in listed.text and token["token"] not in listed.text


@pytest.mark.parametrize("body", [
    {"name": "", "password": PASSWORD, "role": "guard"}, {"name": "a\nb", "password": PASSWORD, "role": "guard"},
    {"name": "alan", "password": "short", "role": "guard"}, {"name": "alan", "password": PASSWORD, "role": "king"},
    {"name": "alan", "password": PASSWORD}, {"name": "alan", "password": "aaaaaaaaaaaa", "role": "guard"},
])
def test_wrong_accounts(house: House, body):
    answer = house.as_("admin").post("/accounts", json=body)
    assert answer.status_code == 422
    assert str(body.get("password")) not in answer.text, "a password is never echoed"
