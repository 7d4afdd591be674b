"""From a finding to a recorded incident: nothing is lost when the disk, the picture or a person is not there."""

import asyncio

import pytest

from appliance.pipeline import cameras as module
from appliance.pipeline.cameras import Cameras, Place, Recorder
from contract.camera import Picture
from contract.errors import NotFound, Rejected, Unavailable
from contract.ids import derived_id
from contract.incident import Evidence
from contract.match import Match
from contract.moments import from_epoch
from contract.observation import Observation, vector_to_text
from contract.zone import Zone

ADA = derived_id("ada")
YARD = Zone(name="yard", polygon=((0, 0), (1, 0), (1, 1), (0, 1)))
PICTURE = Evidence(sha256="ab" * 32, media_type="image/jpeg", size=3)


class Workers:
    """The one thing that Cameras asks the workers for here."""

    def __init__(self, error=None):
        self.error = error

    async def picture(self, camera, frame=None):
        if self.error:
            raise self.error
        return Picture(b"jpg", "2026-11-23T20:00:00.000Z", frame)


def observation(number, *, named=True):
    face = {"box": (10, 10, 80, 80), "score": 0.9, "landmarks": [(1, 1)] * 5, "pack": "open-1",
            "quality": {"width": 80, "sharpness": 90, "brightness": 120, "frontal": 1},
            "embedding": vector_to_text([0.0] * 128)}
    track = {"id": 1, "source": "body", "box": (10, 10, 80, 200), "score": 0.9, "age": number,
             "face": face if named else None}
    return Observation(camera="gate", frame=number, at=from_epoch(1000 + number / 10), width=640, height=480,
                       tracks=[track])


def record_all(record, workers=None, named=True):
    """Feed two seconds of one person standing in the yard."""
    async def main():
        cameras = Cameras([Place("gate", "Gate", "North gate")], lambda face: Match("known", ADA, 0.99, 0.3, ""),
                          lambda camera: (YARD,), lambda person: "Ada", Recorder(lambda data, kind: PICTURE, record),
                          lambda camera: None)
        cameras.workers = workers or Workers()
        for number in range(20):
            cameras.observed(observation(number, named=named))
        await cameras.settle()
        return cameras

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", (0.01,))


def test_an_incident_has_place_person_and_picture():
    drafts = []
    cameras = record_all(drafts.append)
    assert len(drafts) == 1
    draft = drafts[0]
    assert (draft.kind, draft.location, draft.camera, draft.evidence) == ("intrusion", "North gate", "gate", (PICTURE,))
    assert [p.person for p in draft.people] == [ADA]
    assert cameras.tracks("gate")["tracks"][0]["name"] == "Ada"


@pytest.mark.parametrize("error", [Unavailable("the vision worker went away"), NotFound("no such frame")])
def test_without_a_picture_it_is_written_all_the_same(error):
    drafts = []
    record_all(drafts.append, Workers(error))
    assert len(drafts) == 1 and drafts[0].evidence == ()


def test_a_full_disk_is_tried_again_until_it_has_room():
    drafts, refusals = [], iter([Unavailable("the disk is full"), Unavailable("the disk is full")])

    def record(draft):
        for error in refusals:
            raise error
        drafts.append(draft)

    record_all(record)
    assert len(drafts) == 1


def test_a_person_erased_a_moment_before_does_not_cost_the_incident():
    drafts = []

    def record(draft):
        if draft.people:
            raise Rejected(f"nobody has the id {ADA}")
        drafts.append(draft)

    record_all(record)
    assert len(drafts) == 1 and drafts[0].people == ()


def test_an_observation_of_an_unknown_camera_is_dropped_with_a_line(caplog):
    drafts = []
    cameras = record_all(drafts.append, named=False)
    cameras.observed(observation(1).model_copy(update={"camera": "attic"}))
    assert "unknown camera attic" in caplog.text
    with pytest.raises(NotFound):
        cameras.tracks("attic")
