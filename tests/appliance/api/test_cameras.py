"""Cameras, live pictures and zones."""

import time

import httpx
import pytest

from tests.appliance.api.conftest import House
from tests.appliance.api.serve import serving

ZONE = {"name": "roof-edge", "polygon": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}
UNKNOWN = "0193a1b2-0000-7000-8000-000000000000"


def test_list_and_snapshot(house: House):
    client = house.as_("guard")
    items = client.get("/cameras").json()["items"]
    assert [(c["id"], c["state"]) for c in items] == [("gate", "live"), ("roof", "lost")]
    assert items[1]["reason"] == "no answer from the camera"
    assert items[0]["rules"] == [{"kind": "intrusion", "on": True, "effect": "who stands there for 3 s",
                                  "settings": {"sensitivity": "low"}}]
    assert [rule["on"] for rule in items[1]["rules"]] == [False]
    picture = client.get("/cameras/gate/snapshot.jpg")
    assert picture.headers["content-type"] == "image/jpeg" and picture.content == house.vision.jpeg
    assert picture.headers["cache-control"] == "no-store" and picture.headers["x-captured-at"]
    house.vision.fault = "the worker died"
    assert client.get("/cameras/gate/snapshot.jpg").status_code == 503
    assert client.get("/cameras").status_code == 200, "the list still says how they are"


@pytest.mark.parametrize("path", ["snapshot.jpg", "live", "tracks", "zones"])
def test_unknown_cameras_are_named(house: House, path):
    answer = house.as_("guard").get(f"/cameras/cellar/{path}")
    assert answer.status_code == 404 and "gate, roof" in answer.json()["hint"]


def test_no_live_picture_of_a_lost_camera(house: House):
    answer = house.as_("guard").get("/cameras/roof/live")
    assert answer.status_code == 503 and answer.json()["detail"] == "camera roof is lost: no answer from the camera"


def test_tracks(house: House):
    house.vision.seen["gate"] = {"at": "2026-11-23T20:00:00.000Z", "width": 64, "height": 48, "tracks": []}
    assert house.as_("guard").get("/cameras/gate/tracks").json() == house.vision.seen["gate"]


def test_live_runs_only_while_somebody_watches(house: House):
    headers = {"Authorization": f"Bearer {house.tokens['guard']}"}
    with serving(house.app) as address:
        with httpx.stream("GET", f"{address}/cameras/gate/live", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
            data = b""
            for chunk in answer.iter_bytes():
                data += chunk
                assert house.vision.watched == 1
                if data.count(house.vision.jpeg) >= 2:
                    break
        deadline = time.monotonic() + 10
        while house.vision.watched and time.monotonic() < deadline:
            time.sleep(0.02)
        assert house.vision.watched == 0


def test_zones_and_their_revision(house: House):
    client = house.as_("supervisor")
    assert client.get("/cameras/gate/zones").json() == {"camera": "gate", "revision": 0, "zones": []}
    put = client.put("/cameras/gate/zones", json={"revision": 0, "zones": [ZONE]})
    assert put.status_code == 200 and put.json()["revision"] == 1
    kept = house.as_("guard").get("/cameras/gate/zones").json()
    assert kept == put.json() and kept["zones"][0]["closed"] == [{"days": "mon-sun", "hours": "00:00-24:00"}]
    assert client.put("/cameras/gate/zones", json={"revision": 0, "zones": []}).status_code == 409
    assert house.store.zones.get("roof") == ((), 0)


@pytest.mark.parametrize(("zone", "words"), [
    ({**ZONE, "polygon": [[0, 0], [1, 1]]}, "polygon"),
    ({**ZONE, "polygon": [[0, 0], [1, 1], [2, 0]]}, "0 to 1"),
    ({**ZONE, "polygon": [[0, 0], [1, 1], ["x", 0]]}, "number"),
    ({**ZONE, "name": "Roof Edge"}, "name"),
    ({**ZONE, "severity": "huge"}, "severity"),
    ({**ZONE, "closed": [{"days": "always"}]}, "mon-fri"),
    ({**ZONE, "closed": [{"hours": "10pm-6am"}]}, "22:00-06:00"),
    ({**ZONE, "allowed": [UNKNOWN]}, UNKNOWN),
    ({**ZONE, "colour": "red"}, "colour"),
])
def test_wrong_zones(house: House, zone, words):
    answer = house.as_("supervisor").put("/cameras/gate/zones", json={"revision": 0, "zones": [zone]})
    assert answer.status_code == 422 and words in answer.json()["detail"], answer.text
    assert house.store.zones.get("gate") == ((), 0)


def test_two_zones_of_one_name(house: House):
    answer = house.as_("supervisor").put("/cameras/gate/zones", json={"revision": 0, "zones": [ZONE, ZONE]})
    assert answer.status_code == 422 and "roof-edge" in answer.json()["detail"]
    assert house.as_("supervisor").put("/cameras/gate/zones", json={"zones": []}).status_code == 422
