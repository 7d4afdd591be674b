"""POST /recognize."""

import pytest

from tests.appliance.api.conftest import House
from tests.support.fakes import face

PROBLEM = "application/problem+json"


def test_a_known_an_unknown_and_the_order(house: House):
    ada = house.enrol("Ada")
    image = house.vision.add(face("Stranger", box=(10, 10, 60, 60)), face("Ada", 1, box=(200, 80, 150, 150)))
    answer = house.as_("guard").post("/recognize", files={"image": ("both.jpg", image, "image/jpeg")})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["width"], body["height"], body["reason"]) == (640, 480, "")
    known, unknown = body["faces"]
    assert known["status"] == "known" and known["reason"] == ""
    assert known["profile"] == {"id": ada["id"], "name": "Ada", "role": "student"}
    assert 0.9 < known["confidence"] <= 1
    assert known["box"] == [200, 80, 150, 150] and known["quality"]["width"] == 150
    assert unknown["status"] == "unknown" and unknown["profile"] is None and unknown["reason"]


@pytest.mark.parametrize("media", ["image/jpeg", "image/png", "application/octet-stream", ""])
def test_raw_bytes(house: House, media: str):
    image = house.vision.add(face("Stranger"))
    answer = house.as_("guard").post("/recognize", content=image, headers={"Content-Type": media} if media else {})
    assert answer.status_code == 200 and len(answer.json()["faces"]) == 1


def test_no_face_is_an_answer(house: House):
    answer = house.as_("guard").post("/recognize", content=house.vision.add(), headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 200
    assert answer.json()["faces"] == [] and answer.json()["reason"] == "no face was found"


def test_somebody_erased_is_nobody(house: House):
    ada = house.enrol("Ada")
    image = house.vision.add(face("Ada", 1))
    assert house.as_("admin").delete(f"/users/{ada['id']}").status_code == 202
    found = house.as_("guard").post("/recognize", content=image).json()["faces"][0]
    assert found["status"] == "unknown" and found["profile"] is None


def test_vision_down_is_503_with_the_reason(house: House):
    image = house.vision.add(face("Ada"))
    house.vision.fault = "the vision worker ended with status -11; it is started again"
    answer = house.as_("guard").post("/recognize", content=image)
    assert answer.status_code == 503 and answer.headers["content-type"] == PROBLEM
    assert answer.json()["detail"] == house.vision.fault
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(("sent", "status", "code"), [
    ({"content": b"GIF89a no", "headers": {"Content-Type": "image/gif"}}, 422, "not_an_image"),
    ({"content": b"", "headers": {"Content-Type": "image/jpeg"}}, 422, "not_an_image"),
    ({"json": {"image": "x"}}, 415, "unsupported_media_type"),
    ({"data": {"image": "text, not a file"}}, 415, "unsupported_media_type"),
    ({"files": {"picture": ("a.jpg", b"x")}}, 422, "invalid"),
    ({"files": {"other": (None, "text")}}, 422, "invalid"),
    ({"files": [("image", ("a.jpg", b"x")), ("image", ("b.jpg", b"y"))]}, 400, "bad_form"),
    ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_form"),
    ({"content": b"rubbish", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, "bad_form"),
    ({"content": b"\0" * (21 << 20), "headers": {"Content-Type": "image/jpeg"}}, 413, "too_large"),
    ({"files": {"image": ("a.jpg", b"\0" * (21 << 20))}}, 413, "too_large"),
])
def test_what_is_no_image_is_refused_in_words(house: House, sent, status, code):
    answer = house.as_("guard").post("/recognize", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == PROBLEM and answer.json()["detail"]


def test_a_stream_without_a_length_is_stopped_at_the_limit(house: House):
    def endless():
        for _ in range(24):
            yield b"\0" * (1 << 20)

    answer = house.as_("guard").post("/recognize", content=endless(), headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 413 and answer.json()["code"] == "too_large"


def test_photos_stay_in_memory(house: House, monkeypatch):
    """An image of a megabyte would go to a temporary file with the web framework's own parser."""
    import tempfile

    rolled = []
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda self: rolled.append(self))
    image = house.vision.add(face("Ada")) + b"\0" * (3 << 20)
    house.vision.photos[image] = (face("Ada"),)
    answer = house.as_("guard").post("/recognize", files={"image": ("big.jpg", image, "image/jpeg")})
    assert answer.status_code == 200 and rolled == []
