"""Every route with every role: exactly who the table says may, and nobody of the campus."""

import pytest

from contract.ids import new_id
from police.api.app import ROUTERS
from police.api.rules import RULES

VALUES = {"entry_id": new_id(), "name": "nothing", "token": "x.y.z", "session_id": "nothing"}


def test_the_table_and_the_application_have_the_same_routes():
    built = {(method, route.path) for router in ROUTERS for route in router.routes
             for method in route.methods}
    assert built == set(RULES)


@pytest.mark.parametrize("role", ["nobody", "guard", "supervisor", "admin", "police"])
def test_each_route_with_each_role(station, role):
    for (method, path), allowed in sorted(RULES.items()):
        answer = station.clients[role].request(method, path.format(**VALUES))
        what = f"{method} {path}: {answer.status_code}"
        if not allowed:
            assert answer.status_code not in (403, 500) and (answer.status_code != 401 or path == "/login"), what
        elif role == "nobody":
            page = method == "GET" and (path == "/" or path.startswith("/ui/"))
            assert answer.status_code == (303 if page else 401), what
        elif role in allowed:
            assert answer.status_code not in (401, 403, 500), what
        else:
            assert answer.status_code == 403 and answer.json()["code"] == "wrong_role", what


def test_openapi_describes_every_route_with_its_roles(station):
    document = station.clients["nobody"].get("/openapi.json").json()
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    hidden = ("/ui/", "/docs", "/openapi", "/login", "/logout", "/first", "/reset")
    assert described == {r for r in RULES if not r[1].startswith(hidden) and r[1] != "/"}
    assert document["paths"]["/entries"]["get"]["x-roles"] == ["admin", "police"]
    assert "/entries" in station.clients["nobody"].get("/docs").text
