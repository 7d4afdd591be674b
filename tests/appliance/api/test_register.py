"""POST /users/register and /users/{id}/photos."""

import base64
import json

import pytest

from tests.appliance.api.conftest import CONSENT, House, form
from tests.support.fakes import face

UNKNOWN = "0193a1b2-0000-7000-8000-000000000000"


def send(house: House, *images: bytes, headers=None, **fields):
    files = [("photos", (f"{i}.jpg", image, "image/jpeg")) for i, image in enumerate(images)]
    return house.as_("supervisor").post("/users/register", data=form(**fields), files=files, headers=headers)


def test_enrol_with_everything(house: House):
    friend = house.enrol("Bea")
    images = [house.vision.add(face("Ada", i)) for i in range(3)]
    answer = send(house, *images, name="  Ada Lovelace ", role="staff", friends=[friend["id"]],
                  contacts=[{"channel": "sms", "address": "+4915112345678"}])
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"/users/{body['id']}"
    assert body["name"] == "Ada Lovelace"
    assert body["friends"] == [{"id": friend["id"], "name": "Bea"}]
    assert body["contacts"] == [{"channel": "sms", "address": "+4915112345678"}]
    assert body["facial_id"]["count"] == 3 and body["facial_id"]["packs"] == ["fake-1"]
    assert all(t["vector"] is None and 0 < t["quality"] <= 1 for t in body["facial_id"]["templates"])
    assert body["consent"]["given_by"] == CONSENT["given_by"] and len(body["consent"]["text_sha256"]) == 64
    assert body["refused"] == [] and body["warnings"] == []
    assert "vector" not in json.dumps(house.store.profiles.get(body["id"]).model_dump(exclude={"templates"}))


def test_friends_as_repeated_fields(house: House):
    one, two = house.enrol("Bea"), house.enrol("Cleo")
    answer = house.as_("supervisor").post(
        "/users/register", data={**form(), "friends": [one["id"], two["id"]]},
        files=[("photos", ("a.jpg", house.vision.add(face("Ada"))))])
    assert answer.status_code == 201
    assert {f["name"] for f in answer.json()["friends"]} == {"Bea", "Cleo"}


def test_enrol_by_json(house: House):
    image = base64.b64encode(house.vision.add(face("Ada"))).decode()
    body = {"name": "Ada", "consent": CONSENT, "photos": [image]}
    assert house.as_("supervisor").post("/users/register", json=body).status_code == 201
    url = {**body, "photos": [f"data:image/jpeg;base64,{image}"], "allow_lookalike": True}
    assert house.as_("supervisor").post("/users/register", json=url).status_code == 201


def test_each_refused_photo_is_named_with_its_reason(house: House):
    enrolled = house.enrol("Bea")
    images = {
        "no_face": house.vision.add(),
        "several_faces": house.vision.add(face("Ada"), face("Cleo", box=(300, 80, 100, 100))),
        "too_small": house.vision.add(face("Ada", box=(0, 0, 31, 31))),
        "blurred": house.vision.add(face("Ada", sharpness=3)),
        "too_dark": house.vision.add(face("Ada", brightness=12)),
        "too_bright": house.vision.add(face("Ada", brightness=250)),
        "not_frontal": house.vision.add(face("Ada", frontal=0.02)),
        "looks_like_enrolled": house.vision.add(face("Bea", 4)),
        "not_an_image": b"%PDF-1.4",
    }
    answer = send(house, *images.values(), house.vision.add(face("Ada")))
    assert answer.status_code == 422 and answer.json()["code"] == "photos_refused"
    refused = answer.json()["refused"]
    assert [r["code"] for r in refused] == list(images)
    assert [(r["index"], r["filename"]) for r in refused] == [(i, f"{i}.jpg") for i in range(9)]
    assert all(r["reason"] for r in refused)
    assert refused[7]["looks_like"] == {"id": enrolled["id"], "name": "Bea"}
    assert len(house.store.profiles.page("", 10)) == 1, "nothing is stored"


def test_a_photo_of_somebody_else_among_the_photos(house: House):
    images = [house.vision.add(face("Ada")), house.vision.add(face("Zoe")), house.vision.add(face("Ada", 1))]
    answer = send(house, *images)
    assert [(r["index"], r["code"]) for r in answer.json()["refused"]] == [(1, "different_person")]


def test_accept_partial_enrols_with_the_good_ones(house: House):
    answer = send(house, house.vision.add(face("Ada")), house.vision.add(), accept_partial=True)
    assert answer.status_code == 201
    assert answer.json()["facial_id"]["count"] == 1
    assert [r["code"] for r in answer.json()["refused"]] == ["no_face"]


def test_accept_partial_with_no_good_photo_stores_nothing(house: House):
    assert send(house, house.vision.add(), accept_partial=True).status_code == 422
    assert house.store.profiles.page("", 10) == []


def test_twins_need_somebody_who_vouches(house: House):
    house.enrol("Bea")
    image = house.vision.add(face("Bea", 7))
    assert send(house, image, name="Bea's twin").status_code == 422
    answer = send(house, image, name="Bea's twin", allow_lookalike=True)
    assert answer.status_code == 201 and "similar" in answer.json()["warnings"][0]


def test_a_small_face_is_taken_with_a_warning(house: House):
    answer = send(house, house.vision.add(face("Ada", box=(0, 0, 40, 40))))
    assert answer.status_code == 201 and "40 px" in answer.json()["warnings"][0]


def test_a_bystander_far_behind_does_not_count(house: House):
    image = house.vision.add(face("Ada", box=(100, 80, 200, 200)), face("Zoe", box=(500, 10, 30, 30)))
    assert send(house, image).status_code == 201


@pytest.mark.parametrize(("fields", "field"), [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "tab\there"}, "name"),
    ({"role": "boss"}, "role"),
    ({"contacts": [{"channel": "sms", "address": "0151"}]}, "contacts"),
    ({"contacts": [{"channel": "fax", "address": "+4915112345678"}]}, "contacts"),
    ({"contacts": "not json"}, "contacts"),
    ({"contacts": {"channel": "sms"}}, "contacts"),
    ({"friends": ["nobody"]}, "friends"),
    ({"friends": "[1, 2"}, "friends"),
    ({"consent": {"given_by": "x"}}, "consent"),
    ({"consent": {"basis": "consent"}}, "consent"),
    ({"consent": {"given_by": "x", "basis": "guardian-consent"}}, "consent"),
    ({"consent": {"given_by": "x", "basis": "consent", "at": "2026-11-23T20:00:00"}}, "zone"),
    ({"consent": "[" * 100_000}, "consent"),
    ({"surprise": 1}, "surprise"),
])
def test_wrong_fields_are_named(house: House, fields, field):
    answer = send(house, house.vision.add(face("Ada")), **fields)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert field in answer.json()["detail"]
    assert house.store.profiles.page("", 10) == []


def test_no_consent_no_person(house: House):
    answer = house.as_("supervisor").post("/users/register", data={"name": "Ada"},
                                          files=[("photos", ("a.jpg", house.vision.add(face("Ada"))))])
    assert answer.status_code == 422 and "consent" in answer.json()["detail"]


def test_unknown_friends_are_all_named(house: House):
    known, other = house.enrol("Bea")["id"], UNKNOWN[:-1] + "1"
    answer = send(house, house.vision.add(face("Ada")), friends=[known, UNKNOWN, other])
    assert answer.status_code == 422 and answer.json()["code"] == "unknown_friends"
    assert answer.json()["unknown"] == [UNKNOWN, other]


@pytest.mark.parametrize(("sent", "status"), [
    ({"data": form()}, 415),
    ({"json": {"name": "Ada", "consent": CONSENT}}, 422),
    ({"json": {"name": "Ada", "consent": CONSENT, "photos": []}}, 422),
    ({"json": {"name": "Ada", "consent": CONSENT, "photos": "abc"}}, 422),
    ({"json": {"name": "Ada", "consent": CONSENT, "photos": ["%%%"]}}, 422),
    ({"json": {"name": "Ada", "consent": CONSENT, "photos": [1]}}, 422),
    ({"json": {"name": "Ada", "consent": CONSENT, "photos": [""]}}, 422),
    ({"json": [1, 2]}, 422),
    ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
    ({"content": b'{"photos": ["' + b"A" * (10 << 20) + b'"]}', "headers": {"Content-Type": "application/json"}}, 413),
    ({"data": form(), "files": [("photos", (f"{i}.jpg", b"x")) for i in range(11)]}, 400),
    ({"data": form(), "files": [("avatar", ("a.jpg", b"x"))]}, 422),
    ({"data": form(), "files": [("photos", ("a.jpg", b"\0" * (21 << 20)))]}, 413),
    ({"data": form(), "files": [("photos", (f"{i}.jpg", b"\0" * (14 << 20))) for i in range(5)]}, 413),
])
def test_wrong_bodies(house: House, sent, status):
    answer = house.as_("supervisor").post("/users/register", **sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_same_key_enrols_once(house: House):
    image, key = house.vision.add(face("Ada")), {"Idempotency-Key": "k-1"}
    first, second = send(house, image, headers=key), send(house, image, headers=key)
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert send(house, image, headers=key, name="Somebody else").status_code == 409
    assert len(house.store.profiles.page("", 10)) == 1


def test_vision_down(house: House):
    image = house.vision.add(face("Ada"))
    house.vision.fault = "the vision worker is starting"
    assert send(house, image).status_code == 503
    assert house.store.profiles.page("", 10) == []


def test_more_photos_of_the_same_person(house: House):
    ada, client = house.enrol("Ada"), house.as_("supervisor")
    path = f"/users/{ada['id']}/photos"
    answer = client.post(path, files=[("photo", ("b.jpg", house.vision.add(face("Ada", 1))))])
    assert answer.status_code == 201 and answer.json()["facial_id"]["count"] == 2
    other = client.post(path, files=[("photos", ("c.jpg", house.vision.add(face("Zoe"))))])
    assert other.status_code == 422 and other.json()["refused"][0]["code"] == "different_person"
    assert client.post(f"/users/{UNKNOWN}/photos",
                       files=[("photos", ("b.jpg", house.vision.add(face("Ada"))))]).status_code == 404
