"""Enrolling, changing and erasing people, and each way it can be asked wrongly."""

import base64
import json

import numpy as np
import pytest

from contract.errors import Rejected, Unavailable
from contract.ids import new_id
from contract.observation import Face, FaceQuality, vector_to_text

CONSENT = json.dumps({"given_by": "Cy Example", "basis": "consent"})


def face(seed: int, width: float = 120, sharpness: float = 250, brightness: float = 120, moved: float = 0.0,
         pack: str = "open") -> Face:
    """A face of the person `seed`; `moved`: distance of its embedding from their others."""
    vector = np.random.default_rng(seed).normal(size=128)
    vector = vector / np.linalg.norm(vector)
    vector[0] += moved
    quality = FaceQuality(width=width, sharpness=sharpness, brightness=brightness, frontal=0.9)
    return Face(box=(10, 10, width, width), score=0.95, landmarks=(), pack=pack, embedding=vector_to_text(vector),
                quality=quality)


@pytest.fixture
def enrol(campus, as_):
    """POST /users/register with photos of which the vision worker says `seen`."""
    def post(*seen, client=None, headers=None, **fields):
        files = []
        for number, what in enumerate(seen):
            image = f"image {number}".encode()
            campus.faces[image] = what
            files.append(("photos", (f"{number}.jpg", image, "image/jpeg")))
        form = {"name": "Cy Example", "consent": CONSENT, **fields}
        return (client or as_.supervisor).post("/users/register", data=form, files=files, headers=headers)
    return post


def test_enrolling_with_photos(campus, as_, enrol):
    answer = enrol([face(1)], [face(1)], friends=campus.ben.id,
                   contacts=json.dumps([{"channel": "sms", "address": "+4915112345670"}]))
    assert answer.status_code == 201, answer.text
    person = answer.json()
    assert answer.headers["location"] == f"/users/{person['id']}"
    assert person["facial_id"]["count"] == 2 and person["friends"] == [{"id": campus.ben.id, "name": "Ben Example"}]
    assert all(t["vector"] is None for t in person["facial_id"]["templates"])
    assert as_.admin.get(f"/users/{person['id']}?vectors=true").json()["facial_id"]["templates"][0]["vector"]
    assert as_.guard.get(f"/users/{person['id']}?vectors=true").status_code == 403
    assert campus.profiles.get(person["id"]).name == "Cy Example"


@pytest.mark.parametrize(("seen", "code"), [
    ([], "no_face"), ([face(1), face(2)], "several_faces"), ([face(1, width=20)], "too_small"),
    ([face(1, sharpness=3)], "blurred"), ([face(1, brightness=5)], "too_dark"),
    (Rejected("this is not an image", hint="not_an_image"), "not_an_image")])
def test_each_refused_photo_is_named_with_why(campus, enrol, seen, code):
    answer = enrol([face(1)], seen)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    [refused] = answer.json()["refused"]
    assert (refused["index"], refused["filename"], refused["code"]) == (1, "1.jpg", code)
    partial = enrol([face(1)], seen, accept_partial="true")
    assert partial.status_code == 201 and [r["code"] for r in partial.json()["refused"]] == [code]


def test_a_face_that_is_enrolled_already_is_named(enrol):
    first = enrol([face(1)]).json()
    answer = enrol([face(1)], name="Somebody Else")
    assert answer.status_code == 422
    assert answer.json()["refused"][0]["looks_like"] == {"id": first["id"], "name": "Cy Example"}
    assert enrol([face(1)], name="The Twin", allow_lookalike="true").status_code == 201


@pytest.mark.parametrize(("moved", "status"), [(0.54, 422), (0.56, 201), (0.61, 201)])
def test_who_looks_like_somebody_is_a_matter_of_the_packs_thresholds(enrol, moved, status):
    enrol([face(1)])
    answer = enrol([face(1, moved=moved)], name="Somebody Else")
    assert answer.status_code == status
    assert bool(answer.json().get("warnings")) == (moved == 0.56)


def test_a_template_of_another_pack_is_never_compared(campus, as_, enrol):
    template = {"id": new_id(), "pack": "zoo", "vector": face(1).embedding, "quality": 0.8, "made_at":
                "2026-11-23T20:00:00Z"}
    body = {"name": "Dee", "templates": [template], "consent": {"given_by": "Dee", "basis": "consent"}}
    dee = as_.supervisor.post("/users/register", json=body).json()["id"]
    assert enrol([face(1)]).status_code == 201
    campus.faces[b"new"] = [face(2)]
    added = as_.supervisor.post(f"/users/{dee}/photos", files=[("photos", ("x.jpg", b"new", "image/jpeg"))])
    assert added.status_code == 201 and added.json()["facial_id"]["packs"] == ["open", "zoo"]


def test_faces_of_a_pack_that_nobody_described_wait(enrol):
    answer = enrol([face(1, pack="new")])
    assert answer.status_code == 503 and "how faces of pack new are compared" in answer.json()["detail"]


def test_photos_of_two_people_are_refused(enrol):
    assert enrol([face(1)], [face(1)], [face(2)]).json()["refused"][0]["code"] == "different_person"


def test_without_vision_it_says_so(campus, enrol):
    answer = enrol(Unavailable("the vision worker is starting"))
    assert answer.status_code == 503 and "vision worker" in answer.json()["detail"] and "Retry-After" in answer.headers


def test_the_same_key_enrols_once_and_another_person_under_it_is_a_conflict(campus, enrol):
    key = {"Idempotency-Key": "k1"}
    first, again = enrol([face(1)], headers=key), enrol([face(1)], headers=key)
    assert (first.status_code, again.status_code) == (201, 201) and first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert enrol([face(5)], headers=key, name="Other").status_code == 409
    assert campus.profiles.count() == 3


def test_templates_measured_by_a_box_and_people_who_are_only_told(campus, as_):
    template = {"id": new_id(), "pack": "open", "vector": face(1).embedding, "quality": 0.8, "made_at":
                "2026-11-23T20:00:00Z"}
    body = {"name": "Dee", "templates": [template], "consent": {"given_by": "Dee", "basis": "consent"}}
    assert as_.supervisor.post("/users/register", json=body).json()["facial_id"]["count"] == 1
    told = {"name": "Eve", "templates": [], "contacts": [{"channel": "email", "address": "eve@example.org"}]}
    assert as_.supervisor.post("/users/register", json=told).status_code == 201
    assert as_.supervisor.post("/users/register", json={**body, "consent": None}).status_code == 422


def test_photos_as_base64(campus, as_):
    campus.faces[b"image"] = [face(3)]
    body = {"name": "Fay", "consent": json.loads(CONSENT), "photos": [base64.b64encode(b"image").decode()]}
    assert as_.supervisor.post("/users/register", json=body).status_code == 201


def test_more_photos_must_show_the_same_person(campus, as_, enrol):
    person = enrol([face(1)]).json()["id"]
    campus.faces[b"same"], campus.faces[b"other"] = [face(1)], [face(2)]
    for image, status in ((b"same", 201), (b"other", 422)):
        answer = as_.supervisor.post(f"/users/{person}/photos", files=[("photos", ("x.jpg", image, "image/jpeg"))])
        assert answer.status_code == status, answer.text


def test_changing_friends_and_a_stale_revision(campus, as_):
    path = f"/users/{campus.anna.id}"
    assert as_.supervisor.put(path, json={"friends": {"remove": [campus.ben.id]}}).json()["friends"] == []
    assert as_.supervisor.put(path, json={"revision": 1, "name": "Anna Old"}).status_code == 409
    assert as_.supervisor.put(path, json={"revision": 2, "name": "Anna New"}).json()["revision"] == 3


def test_erasing_reaches_every_box_and_shows_who_has_not_answered(campus, as_):
    path = f"/users/{campus.ben.id}"
    answer = as_.admin.delete(path)
    assert answer.status_code == 202 and answer.json()["boxes"] == {"roof-box": None}
    assert as_.admin.delete(path).status_code == 202
    assert as_.admin.get(path).status_code == 404 and as_.admin.get(f"{path}/erasure").json()["boxes"]
    assert as_.admin.get(f"/users/{campus.anna.id}").json()["friends"] == []


def test_lists_are_paged_and_searched(campus, as_):
    first = as_.guard.get("/users?limit=1").json()
    second = as_.guard.get(f"/users?limit=1&cursor={first['next']}").json()
    assert [first["items"][0]["name"], second["items"][0]["name"]] == ["Ben Example", "Anna Example"]
    assert second["next"] is None
    assert [u["name"] for u in as_.guard.get("/users?search=ANNA").json()["items"]] == ["Anna Example"]
