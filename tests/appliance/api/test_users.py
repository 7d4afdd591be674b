"""GET, PUT, DELETE /users."""

import pytest

from tests.appliance.api.conftest import CONSENT, House
from tests.support.fakes import face

UNKNOWN = "0193a1b2-0000-7000-8000-000000000000"


def test_list_search_and_cursor(house: House):
    for name in ("Ada", "Bea", "Adam", "Cleo", "Nada"):
        house.enrol(name)
    client = house.as_("guard")
    whole = client.get("/users").json()
    assert [p["name"] for p in whole["items"]] == ["Ada", "Bea", "Adam", "Cleo", "Nada"] and whole["next"] is None
    seen, cursor = [], None
    while True:
        page = client.get("/users", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["items"]) <= 2
        seen += [p["name"] for p in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["Ada", "Bea", "Adam", "Cleo", "Nada"]
    found = client.get("/users", params={"search": "ADA", "limit": 2}).json()
    assert [p["name"] for p in found["items"]] == ["Ada", "Adam"]
    rest = client.get("/users", params={"search": "ada", "limit": 2, "cursor": found["next"]}).json()
    assert [p["name"] for p in rest["items"]] == ["Nada"] and rest["next"] is None


def test_vectors_are_for_admins_who_ask(house: House):
    path = f"/users/{house.enrol('Ada')['id']}"
    plain = house.as_("admin").get(path).json()
    assert plain["facial_id"]["templates"][0]["vector"] is None
    asked = house.as_("admin").get(path, params={"vectors": True}).json()
    assert asked["facial_id"]["templates"][0]["vector"] == face("Ada").embedding
    for role in ("guard", "supervisor"):
        answer = house.as_(role).get(path, params={"vectors": True})
        assert answer.status_code == 403 and "vectors" in answer.json()["detail"]


def test_change_and_stale_revision(house: House):
    ada, bea = house.enrol("Ada"), house.enrol("Bea")
    client, path = house.as_("supervisor"), f"/users/{ada['id']}"
    changed = client.put(path, json={"revision": ada["revision"], "name": "Ada L", "role": "staff",
                                     "contacts": [{"channel": "email", "address": "ada@example.org"}],
                                     "friends": {"add": [bea["id"]]}})
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert (body["name"], body["role"]) == ("Ada L", "staff") and body["revision"] > ada["revision"]
    assert body["friends"] == [{"id": bea["id"], "name": "Bea"}]
    stale = client.put(path, json={"revision": ada["revision"], "name": "Other"})
    assert stale.status_code == 409 and stale.json()["hint"]
    gone = client.put(path, json={"friends": {"remove": [bea["id"]]}})
    assert gone.json()["friends"] == []


def test_remove_a_template(house: House):
    ada = house.enrol("Ada")
    template = ada["facial_id"]["templates"][0]["id"]
    client, path = house.as_("supervisor"), f"/users/{ada['id']}"
    assert client.put(path, json={"templates": {"remove": [template]}}).json()["facial_id"]["count"] == 0
    again = client.put(path, json={"templates": {"remove": [template]}})
    assert again.status_code == 422 and template in again.json()["detail"]


@pytest.mark.parametrize(("body", "words"), [
    ({"name": "New"}, "revision"),
    ({"revision": "one", "name": "New"}, "revision"),
    ({"revision": 1, "name": 7}, "name"),
    ({"revision": 1, "role": "boss"}, "student"),
    ({"revision": 1, "friends": ["x"]}, "friends"),
    ({"friends": {"add": ["x"]}}, "friends.add.0"),
    ({"friends": {"add": [UNKNOWN]}}, UNKNOWN),
    ({"friends": {"add": [UNKNOWN], "remove": [UNKNOWN]}}, "both"),
    ({"revision": 1, "contacts": [{"channel": "sms", "address": "123"}]}, "E.164"),
    ({"revision": 1, "id": UNKNOWN}, "id"),
    ([], "body"),
])
def test_wrong_changes(house: House, body, words):
    ada = house.enrol("Ada")
    answer = house.as_("supervisor").put(f"/users/{ada['id']}", json=body)
    assert answer.status_code == 422 and words in answer.json()["detail"], answer.text
    assert house.store.profiles.get(ada["id"]).name == "Ada"


def test_nobody_is_their_own_friend(house: House):
    ada = house.enrol("Ada")
    answer = house.as_("supervisor").put(f"/users/{ada['id']}", json={"friends": {"add": [ada["id"]]}})
    assert answer.status_code == 422 and answer.json()["code"] == "own_friend"


def test_erase_and_its_progress(house: House):
    ada, bea = house.enrol("Ada"), house.enrol("Bea")
    house.as_("admin").put(f"/users/{bea['id']}", json={"friends": {"add": [ada["id"]]}})
    client, path = house.as_("admin"), f"/users/{ada['id']}"
    answer = client.delete(path)
    assert answer.status_code == 202 and answer.headers["location"] == f"{path}/erasure"
    assert answer.json()["erased_here_at"] and answer.json()["cloud_confirmed_at"] is None
    assert client.get(f"{path}/erasure").json() == answer.json()
    assert client.delete(path).status_code == 202, "repeating it is harmless"
    assert client.get(path).status_code == 404
    assert client.get(f"/users/{bea['id']}").json()["friends"] == []
    assert client.delete(f"/users/{UNKNOWN}").status_code == 404
    assert client.get(f"/users/{UNKNOWN}/erasure").status_code == 404
    put = client.put(path, json={"revision": 1, "name": "Back", "consent": CONSENT})
    assert put.status_code == 404


@pytest.mark.parametrize("path", ["/users/not-an-id", f"/users/{UNKNOWN.upper()}", "/users/%00", "/users?limit=0",
                                  "/users?limit=201", "/users?limit=x", "/users?cursor=nonsense"])
def test_wrong_ids_and_parameters(house: House, path):
    answer = house.as_("guard").get(path)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


def test_the_page_of_a_person_calls_channels_by_their_label(house: House):
    ada = house.enrol("Ada", contacts=[{"channel": "sms", "address": "+4915112345678"}])
    assert "<li>SMS: +4915112345678</li>" in house.as_("guard").get(f"/ui/people/{ada['id']}").text
