"""Every route with every role: exactly who the table says may, and nobody else."""

import pytest

from cloud.admin.app import ROUTERS
from cloud.admin.rules import RULES
from contract.ids import new_id

ROLES = ("nobody", "guard", "supervisor", "admin", "police")
VALUES = {"user_id": new_id(), "incident_id": new_id(), "subject_id": new_id(), "record_id": new_id(),
          "sha256": "0" * 64, "channel": "general", "box_id": "no-box", "name": "nothing", "token": "x.y.z",
          "session_id": "nothing"}


def routes():
    return sorted(RULES)


def test_the_table_and_the_application_have_the_same_routes():
    built = {(method, route.path) for router in ROUTERS for route in router.routes
             for method in route.methods}
    assert built == set(RULES)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", routes(), ids=" ".join)
def test_each_route_with_each_role(shared_campus, route, role):
    method, path = route
    answer = shared_campus.clients[role].request(method, path.format(**VALUES))
    if not RULES[route]:
        # A wrong password is also a 401, of the log-in form itself.
        assert answer.status_code not in (403, 500) and (answer.status_code != 401 or path == "/login")
    elif role == "nobody":
        page = method == "GET" and (path == "/" or path.startswith("/ui/"))
        assert answer.status_code == (303 if page else 401)
        assert not page or answer.headers["location"].startswith("/login?next=")
    elif role in RULES[route]:
        assert answer.status_code not in (401, 403, 500), answer.text
    else:
        assert answer.status_code == 403 and answer.json()["code"] == "wrong_role"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", ["head", "entries"])
def test_the_police_log_is_for_the_police(shared_campus, role, what):
    answer = shared_campus.clients[role].get(f"/ledger/police/{what}")
    assert answer.status_code == {"police": 200, "nobody": 401}.get(role, 403)


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic abc", "Bearer ", "nonsense"])
def test_a_token_that_is_none_is_refused_even_on_an_open_session(shared_campus, header):
    answer = shared_campus.clients["nobody"].get("/users", headers={"Authorization": header})
    assert answer.status_code == 401 and answer.json()["code"] == "bad_token"
    assert answer.headers["content-type"] == "application/problem+json"
