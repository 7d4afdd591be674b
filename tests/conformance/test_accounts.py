"""Accounts as people and programs meet them, the same on box, cloud and police."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.lockout import FREE_TRIES
from tests.support.account_sites import KINDS, NEW, PASSWORD, AccountSite, account_site


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccountSite]:
    """With an admin Ada and somebody else, Bob."""
    with account_site(request.param, tmp_path) as opened:
        opened.accounts.create("Ada", PASSWORD, "admin")
        opened.accounts.create("Bob", PASSWORD, opened.role)
        yield opened


def test_an_account_that_was_ended_is_shut_out_with_the_next_request(site: AccountSite):
    ada, bob = site.logged_in("ada"), site.logged_in("BOB")
    assert bob.get("/session").json() == {"name": "Bob", "role": site.role}
    assert bob.get(site.page).status_code == 200
    assert ada.delete("/accounts/bob").status_code == 204
    assert bob.get("/session").status_code == 401
    assert bob.get(site.page).headers["location"].startswith("/login")
    refused = site.client().post("/login", data={"name": "Bob", "password": PASSWORD})
    assert refused.status_code == 401 and "Wrong name or password" in refused.text
    assert ada.delete("/accounts/bob").status_code == 404
    assert ada.get("/session").status_code == 200


def test_another_role_counts_from_the_next_request_on(site: AccountSite):
    ada, bob = site.logged_in("Ada"), site.logged_in("Bob")
    assert bob.get("/accounts").status_code == 403
    assert ada.patch("/accounts/Bob", json={"role": "admin"}).status_code == 204
    assert bob.get("/accounts").status_code == 200
    assert bob.patch("/accounts/Ada", json={"role": site.role}).status_code == 204
    assert ada.get("/accounts").status_code == 403
    assert bob.patch("/accounts/Ada", json={"role": "king"}).status_code == 422


def test_the_last_admin_stays(site: AccountSite):
    ada = site.logged_in("Ada")
    for answer in (ada.delete("/accounts/Ada"), ada.patch("/accounts/ADA", json={"role": site.role}),
                   ada.post("/ui/accounts/Ada", data={"do": "account"}),
                   ada.post("/ui/accounts/Ada", data={"do": "role", "role": site.role})):
        assert answer.status_code == 409 and "last admin" in answer.text
    assert ada.get("/accounts").status_code == 200


def test_what_will_not_do_as_ones_own_password(site: AccountSite):
    here = site.logged_in("Bob")
    for old, new, why in (("a guess of mine", NEW, "old password"), (PASSWORD, "aaaaaaaaaa", "too easy"),
                          (PASSWORD, "password12345", "too easy"), (PASSWORD, "short", "at least 10")):
        refused = here.post("/session/password", json={"old": old, "new": new})
        assert refused.status_code == 422 and why in refused.text
        page = here.post("/ui/account", data={"do": "password", "old": old, "password": new, "again": new})
        assert page.status_code == 422 and why in page.text
    site.logged_in("Bob")


def test_a_change_of_password_ends_the_other_sessions(site: AccountSite):
    here, elsewhere = site.logged_in("Bob"), site.logged_in("Bob")
    differ = here.post("/ui/account", data={"do": "password", "old": PASSWORD, "password": NEW, "again": "x"})
    assert differ.status_code == 422 and "differ" in differ.text
    assert here.post("/session/password", json={"old": PASSWORD, "new": NEW}).status_code == 204
    assert here.get("/session").status_code == 200 and elsewhere.get("/session").status_code == 401
    form = {"do": "password", "old": NEW, "password": PASSWORD, "again": PASSWORD}
    assert here.post("/ui/account", data=form).headers["location"] == "/ui/account"
    site.logged_in("Bob", PASSWORD)


def test_a_session_is_seen_and_ended(site: AccountSite):
    phone, desk, ada = site.logged_in("Bob"), site.logged_in("Bob"), site.logged_in("Ada")
    listed = desk.get("/sessions").json()["items"]
    assert [one["current"] for one in listed] == [False, True] and listed[0]["agent"] == "testclient"
    [hers] = ada.get("/sessions").json()["items"]
    assert desk.delete(f"/sessions/{hers['id']}").status_code == 404, "somebody else's"
    assert desk.delete(f"/sessions/{listed[0]['id']}").status_code == 204
    assert phone.get("/session").status_code == 401 and desk.get("/session").status_code == 200
    [left] = ada.get("/accounts/bob/sessions").json()["items"]
    assert ada.delete(f"/sessions/{left['id']}").status_code == 204
    assert desk.get("/session").status_code == 401
    assert ada.post("/ui/account", data={"do": "end", "session": "nothing"}).status_code == 404


def test_a_reset_by_an_admin(site: AccountSite):
    ada, bob = site.logged_in("Ada"), site.logged_in("Bob")
    made = ada.post("/accounts/bob/reset")
    assert made.status_code == 201
    assert bob.get("/session").status_code == 401
    assert site.client().post("/login", data={"name": "Bob", "password": PASSWORD}).status_code == 401
    assert {a["name"]: a["awaits_password"] for a in ada.get("/accounts").json()["items"]
            if a["kind"] == "account"} == {"Ada": False, "Bob": True}
    link = made.json()["link"]
    assert link.startswith("http://testserver/reset?secret=")
    secret, anew = link.split("secret=")[1], site.client()
    assert secret in anew.get(link).text
    for change, why in (({"again": "x"}, "differ"), ({"password": "a" * 10, "again": "a" * 10}, "too easy"),
                        ({"secret": "x"}, "link")):
        form = {"secret": secret, "password": NEW, "again": NEW, **change}
        refused = anew.post("/reset", data=form)
        assert refused.status_code == 422 and why in refused.text
    assert anew.post("/reset", data={"secret": secret, "password": NEW, "again": NEW}).status_code == 303
    assert anew.get("/session").json()["name"] == "Bob"
    assert site.client().post("/reset", data={"secret": secret, "password": NEW, "again": NEW}).status_code == 422


def test_a_token_that_was_revoked_is_refused_with_the_next_request(site: AccountSite):
    ada = site.logged_in("Ada")
    token = ada.post("/tokens", json={"name": "bridge", "role": site.role}).json()["token"]
    program = site.client(token)
    assert program.get("/session").json() == {"name": "bridge", "role": site.role}
    change = {"old": PASSWORD, "new": NEW}
    for answer in (program.post("/session/password", json=change), program.get("/sessions")):
        assert answer.status_code == 409 and "a token has no password" in answer.json()["detail"]
    assert ada.delete("/tokens/bridge").status_code == 204
    assert program.get("/session").status_code == 401 and program.get("/session").json()["code"] == "bad_token"
    assert ada.delete("/tokens/bridge").status_code == 404


def test_a_token_of_an_accounts_name_is_not_that_account(site: AccountSite):
    program = site.client(site.accounts.new_token("Bob", site.role))
    [session] = [one.id for _ in [site.logged_in("Bob")] for one in site.accounts.sessions("Bob")]
    assert program.delete(f"/sessions/{session}").status_code == 409
    assert "A token has no password" in program.get("/ui/account").text


def test_the_lock_tells_nothing_of_which_names_exist(site: AccountSite):
    answers = {}
    for name in ("bob", "eve"):
        tries = [site.client().post("/login", data={"name": name, "password": "a wrong one"})
                 for _ in range(FREE_TRIES + 2)]
        answers[name] = [(one.status_code, re.sub(r"\d+ seconds", "N seconds", one.text.replace(name, "NAME")))
                         for one in tries]
    assert [status for status, _ in answers["bob"]] == [401] * FREE_TRIES + [429] * 2
    assert answers["bob"] == answers["eve"]


@pytest.mark.parametrize("password", ["aaaaaaaaaa", "1234567890", "Password123!", "abcabcabcabc", "katherine johnson"])
def test_a_password_that_is_easy_to_guess_is_refused_everywhere(site: AccountSite, password: str):
    ada = site.logged_in("Ada")
    body = {"name": "Katherine Johnson", "password": password, "role": site.role}
    for answer in (ada.post("/accounts", json=body), ada.post("/ui/accounts", data={"do": "account", **body})):
        assert answer.status_code == 422 and "too easy to guess" in answer.text and password not in answer.text


def test_a_name_in_another_case_is_taken(site: AccountSite):
    answer = site.logged_in("Ada").post("/accounts", json={"name": "BOB", "password": NEW, "role": site.role})
    assert answer.status_code == 409 and "capital" in answer.json()["hint"]
