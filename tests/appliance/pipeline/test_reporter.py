"""From a finding to a recorded incident: nothing is lost when the disk, the picture or a person is not there."""

import asyncio

import pytest

from appliance.pipeline import reporter as module
from appliance.pipeline.reporter import Reporter
from appliance.pipeline.rules.rule import Finding
from contract.camera import Picture
from contract.errors import NotFound, Rejected, Unavailable
from contract.ids import derived_id
from contract.incident import Evidence, IncidentDraft, Involved
from contract.moments import from_epoch
from contract.observation import Observation

ADA = derived_id("ada")
PICTURE = Evidence(sha256="ab" * 32, media_type="image/jpeg", size=3)
FINDING = Finding("intrusion", "high", (Involved(person=ADA, part="involved", confidence=0.99),), "1 person", "yard")
SEEN = Observation(camera="gate", frame=7, at=from_epoch(1000), width=640, height=480)


async def picture(camera: str, frame: int) -> Picture:
    return Picture(b"jpg of %d" % frame, "2026-11-23T20:00:00.000Z", frame)


def keep(data: bytes, media_type: str) -> Evidence:
    assert (data, media_type) == (b"jpg of 7", "image/jpeg")
    return PICTURE


def report(record, picture_of=picture, times=1):
    """Report the finding and wait until it is written."""
    async def main():
        reporter = Reporter(picture_of, keep, record)
        for _ in range(times):
            reporter.report(FINDING, SEEN, "North gate")
        await reporter.settle()

    asyncio.run(main())


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", (0.01,))


def test_an_incident_has_place_person_and_picture():
    drafts: list[IncidentDraft] = []
    report(drafts.append)
    assert len(drafts) == 1
    draft = drafts[0]
    assert (draft.kind, draft.location, draft.camera, draft.evidence) == ("intrusion", "North gate", "gate", (PICTURE,))
    assert (draft.severity, draft.at, draft.description) == ("high", SEEN.at, "1 person")
    assert [p.person for p in draft.people] == [ADA]


@pytest.mark.parametrize("error", [Unavailable("the vision worker went away"), NotFound("no such frame")])
def test_without_a_picture_it_is_written_all_the_same(error):
    async def none(camera, frame):
        raise error

    drafts: list[IncidentDraft] = []
    report(drafts.append, none)
    assert len(drafts) == 1 and drafts[0].evidence == ()


def test_a_picture_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "SNAPSHOT_S", 0.02)

    async def never(camera, frame):
        await asyncio.Event().wait()

    drafts: list[IncidentDraft] = []
    report(drafts.append, never)
    assert len(drafts) == 1 and drafts[0].evidence == ()


def test_a_full_disk_is_tried_again_until_it_has_room():
    drafts, refusals = [], iter([Unavailable("the disk is full"), Unavailable("the disk is full")])

    def record(draft):
        for error in refusals:
            raise error
        drafts.append(draft)

    report(record)
    assert len(drafts) == 1


def test_a_person_erased_a_moment_before_does_not_cost_the_incident():
    drafts = []

    def record(draft):
        if draft.people:
            raise Rejected(f"nobody has the id {ADA}")
        drafts.append(draft)

    report(record)
    assert len(drafts) == 1 and drafts[0].people == ()


def test_more_than_can_wait_are_dropped_with_a_line(monkeypatch, caplog):
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    drafts: list[IncidentDraft] = []
    report(drafts.append, times=3)
    assert len(drafts) == 2 and "an incident is lost: 2 wait" in caplog.text
