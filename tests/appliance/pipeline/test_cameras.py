"""Observations go to the watch of their camera, and what it finds is reported with the place of that camera."""

import pytest

from appliance.pipeline.cameras import CameraPlan, Cameras
from appliance.pipeline.rules.intrusion import IntrusionSettings
from appliance.pipeline.rules.table import Rules
from contract.camera import CameraState
from contract.errors import NotFound
from contract.ids import derived_id
from contract.match import Match
from contract.moments import from_epoch
from contract.observation import Observation, vector_to_text
from contract.zone import Zone
from visionlink.workers import CameraReport

ADA = derived_id("ada")
YARD = Zone(name="yard", polygon=((0, 0), (1, 0), (1, 1), (0, 1)))
GATE = CameraPlan("gate", "Gate", "North gate", Rules())
HALL = CameraPlan("hall", "Hall", "Sports hall", Rules(intrusion=IntrusionSettings(sensitivity="low")))


def observation(number, camera="gate"):
    face = {"box": (10, 10, 80, 80), "score": 0.9, "landmarks": [(1, 1)] * 5, "pack": "open-1",
            "quality": {"width": 80, "sharpness": 90, "brightness": 120, "frontal": 1},
            "embedding": vector_to_text([0.0] * 128)}
    track = {"id": 1, "source": "body", "box": (10, 10, 80, 200), "score": 0.9, "age": number, "face": face}
    return Observation(camera=camera, frame=number, at=from_epoch(1000 + number / 10), width=640, height=480,
                       tracks=[track])


def watching(found, plans=(GATE, HALL)):
    return Cameras(plans, lambda face: Match("known", ADA, 0.99, 0.3, ""), lambda camera: (YARD,),
                   lambda person: "Ada", lambda camera: CameraReport("lost", f"{camera} is unplugged", 0.0),
                   lambda *finding: found.append(finding))


def test_a_finding_is_reported_with_its_observation_and_the_cameras_location():
    found = []
    cameras = watching(found)
    for number in range(40):
        cameras.observed(observation(number, "hall"))
    [(finding, seen, location)] = found
    assert (finding.kind, [p.person for p in finding.people], location) == ("intrusion", [ADA], "Sports hall")
    assert seen == observation(30, "hall")


def test_cameras_do_not_share_what_they_saw():
    found = []
    cameras = watching(found)
    for number in range(80):
        cameras.observed(observation(number, "gate" if number % 2 else "hall"))
    assert [location for _, _, location in found] == ["North gate", "Sports hall"]


def test_a_rule_that_is_off_finds_nothing_on_that_camera():
    found = []
    off = Rules(intrusion=IntrusionSettings(on=False, sensitivity="high"))
    cameras = watching(found, [GATE._replace(rules=off), HALL])
    for number in range(80):
        cameras.observed(observation(number, "gate" if number % 2 else "hall"))
    assert [location for _, _, location in found] == ["Sports hall"]
    assert [rule.on for state in cameras.states() for rule in state.rules if rule.kind == "intrusion"] == [False, True]


def test_the_overlay_names_people_known():
    cameras = watching([])
    assert cameras.overlay("gate") == {"at": None, "width": 0, "height": 0, "tracks": []}
    for number in range(20):
        cameras.observed(observation(number))
    assert cameras.overlay("gate")["tracks"][0]["name"] == "Ada"
    assert cameras.overlay("hall")["tracks"] == []


def test_states_are_the_workers_words_in_the_files_order():
    assert watching([]).states() == [CameraState("gate", "Gate", "North gate", "lost", "gate is unplugged", 0.0,
                                                 GATE.rules.states()),
                                     CameraState("hall", "Hall", "Sports hall", "lost", "hall is unplugged", 0.0,
                                                 HALL.rules.states())]


def test_an_observation_of_an_unknown_camera_is_dropped_with_a_line(caplog):
    cameras = watching([])
    cameras.observed(observation(1, "attic"))
    assert "unknown camera attic" in caplog.text
    with pytest.raises(NotFound):
        cameras.overlay("attic")
