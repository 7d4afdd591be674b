"""Every route times every role, from the one table."""

from typing import get_args

import pytest
from fastapi import APIRouter, FastAPI

from appliance.api.auth import COOKIE, RULES, new_router
from appliance.api.pages import PageRoute
from contract.identity import Role
from web.guard import PUBLIC, GuardedRoute

ROLES = (*get_args(Role), "anonymous")
ID = "0193a1b2-0000-7000-8000-000000000000"
# A wrong body and unknown ids: who may pass gets any answer but 401 and 403.
FILL = {"user_id": ID, "incident_id": ID, "subject_id": ID, "record_id": ID, "camera": "nowhere", "sha256": "0" * 64,
        "name": "nothing", "session_id": "nothing"}
ENDLESS = {"/events"}


def routes(app: FastAPI) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}


def test_every_route_has_a_rule_and_every_rule_a_route(house):
    found = set()
    for subject in house.app.router.routes:
        for route in getattr(getattr(subject, "original_router", None), "routes", []):
            assert isinstance(route, GuardedRoute), f"{route.path} is not guarded"
            found |= {(method, route.path) for method in route.methods}
    assert routes(house.app) <= found
    assert found == set(RULES)


def test_a_route_without_a_rule_cannot_be_built():
    with pytest.raises(KeyError):
        new_router("x").get("/secret-door")(lambda: None)
    with pytest.raises(KeyError):
        APIRouter(route_class=PageRoute).post("/login/again")(lambda: None)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), sorted(RULES))
def test_rule(shared_house, method, path, role):
    allowed = RULES[method, path]
    if path in ENDLESS and role in allowed:
        return  # test_events.py follows the stream
    answer = shared_house.as_(role).request(method, path.format(**FILL))
    assert answer.status_code != 500, answer.text
    if allowed is PUBLIC:
        assert answer.status_code != 403 and "www-authenticate" not in answer.headers
    elif role == "anonymous":
        if path == "/" or path.startswith("/ui/"):
            assert answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
        else:
            assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
    elif role in allowed:
        assert answer.status_code not in (401, 403), answer.text
    else:
        assert answer.status_code == 403
        if path.startswith("/ui/"):
            assert "That is not possible" in answer.text
        else:
            assert answer.json()["code"] == "wrong_role"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Basic YTpi", "nonsense", "Bearer \xff"])
def test_a_wrong_token_is_401_everywhere(house, header):
    client = house.as_("anonymous")
    answer = client.get("/users", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401 and answer.json()["code"] == "bad_token"


def test_a_wrong_token_is_not_saved_by_a_good_cookie(house):
    house.store.accounts.create("grace", "a long password", "admin")
    client = house.as_("anonymous")
    client.cookies.set(COOKIE, house.store.accounts.log_in("grace", "a long password"))
    assert client.get("/users").status_code == 200
    assert client.get("/users", headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 403),
    ({"Origin": "http://elsewhere.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "http://testserver"}, 201),
    ({"Sec-Fetch-Site": "same-origin"}, 201),
])
def test_a_cookie_counts_only_for_our_own_pages(house, headers, status):
    house.store.accounts.create("grace", "a long password", "guard")
    client = house.as_("anonymous")
    client.cookies.set(COOKIE, house.store.accounts.log_in("grace", "a long password"))
    body = {"time": "2026-11-23T20:00:00Z", "location": "Gate", "kind": "manual"}
    assert client.post("/incidents", json=body, headers=headers).status_code == status


def test_a_body_is_not_read_for_somebody_who_may_not_send_it(house):
    headers = {"Content-Type": "application/json"}
    answer = house.as_("anonymous").post("/incidents", content=b"{not json", headers=headers)
    assert answer.status_code == 401
