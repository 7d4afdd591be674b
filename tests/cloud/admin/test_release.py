"""Details for the police: only of what a person of the campus released, and only until it is taken back."""

import pytest

from cloud.database import trail
from cloud.database.telling import deliveries
from contract.ids import new_id
from contract.incident import LogRecord
from contract.moments import now
from contract.proof.document import check_proof
from contract.proof.release import Released

WORDS = ("Anna", "past the railing", "Ben saw it")


@pytest.fixture
def incident(campus, as_):
    incident = campus.put_incident("critical", description="Anna past the railing")
    as_.guard.patch(f"/incidents/{incident.id}", json={"action": "note", "note": "Ben saw it"})
    campus.anchor()
    return incident


def test_before_a_release_the_police_read_that_there_is_an_incident_and_nothing_of_whom(campus, as_, incident):
    paths = ["/incidents", f"/incidents/{incident.id}", "/ui/incidents", f"/ui/incidents/{incident.id}"]
    for path in paths:
        answer = as_.police.get(path)
        assert answer.status_code == 200 and "Roof, block C" in answer.text
        assert not [word for word in (*WORDS, campus.anna.id) if word in answer.text], path
    assert as_.police.get(f"/incidents/{incident.id}").json()["withheld"] is True
    assert "not released by the campus yet" in as_.police.get(f"/ui/incidents/{incident.id}").text
    for path in (f"/released/{incident.id}", f"/blockchain/log/{incident.id}", f"/blockchain/log/{incident.id}/proof"):
        answer = as_.police.get(path)
        assert answer.status_code == 404 and "nothing is released" in answer.json()["detail"]
    asked = as_.police.get(f"/incidents?person={campus.anna.id}")
    assert asked.json()["items"] == [], "asking for a person tells nothing"
    acknowledged = as_.police.patch(f"/incidents/{incident.id}", json={"action": "acknowledge"})
    assert acknowledged.json()["state"] == "acknowledged" and "Ben saw it" not in acknowledged.text


def test_no_page_of_the_police_names_an_incident_that_is_not_theirs(campus, as_):
    shown = [campus.put_incident("critical", at=f"2026-11-23T20:{minute:02}:00.000Z").id for minute in range(3)]
    hidden = [campus.put_incident("low", at=f"2026-11-23T20:{minute:02}:30.000Z").id for minute in range(3)]
    seen, cursor, text = [], "", ""
    while cursor is not None:
        answer = as_.police.get(f"/incidents?limit=1{cursor and f'&cursor={cursor}'}")
        text += answer.text + as_.police.get("/ui/incidents").text
        page = answer.json()
        assert len(page["items"]) == 1, "no page is empty because of what is not shown"
        seen.append(page["items"][0]["incident"]["id"])
        cursor = page["next"]
    assert seen == shown[::-1] and not [one for one in hidden if one in text]
    asked = as_.police.get(f"/incidents?limit=1&person={campus.anna.id}").json()
    assert asked == {"items": [], "next": None}


def test_the_link_of_the_polices_alert_shows_nobody_either(campus, as_, incident):
    with campus.database.read() as session:
        by = {d.audience: d.id for d in deliveries.for_subject(session, incident.id)}
    look = lambda audience: as_.nobody.get(f"/a/{campus.token_for(by[audience])}").text  # noqa: E731
    assert "Anna" not in look("police") and "not released" in look("police") and "Anna Example" in look("friends")
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert "Anna Example" in look("police") and "past the railing" in look("police")


def test_what_a_supervisor_releases_the_police_can_read_and_check(campus, as_, incident):
    answer = as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert answer.json()["state"] == "released" and answer.json()["by"] == "test-supervisor"
    assert as_.admin.post(f"/incidents/{incident.id}/release").json() == answer.json(), "twice is once"
    found = as_.police.get(f"/released/{incident.id}")
    released = Released.model_validate(found.json())
    assert released.proof.record == incident and released.names == {campus.anna.id: "Anna Example"}
    assert any("leaf" in step for step in check_proof(released.proof.to_bytes()))
    assert {i["head"]["channel"] for i in found.json()["proof"]["inclusions"]} == {"general", "police"}
    assert "Anna Example" in as_.police.get(f"/ui/incidents/{incident.id}").text
    with campus.database.read() as session:
        lines = [(line.by, line.action) for line in trail.page(session, None, 50) if line.subject == incident.id]
    assert lines.count(("test-supervisor", "police.released")) == 1


def test_nothing_else_is_readable_by_a_release(campus, as_, incident):
    other = campus.put_incident("critical")
    campus.anchor()
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert as_.police.get(f"/released/{other.id}").status_code == 404
    assert as_.police.get(f"/released/{new_id()}").status_code == 404
    assert as_.police.get(f"/incidents/{other.id}").json()["incident"]["people"] == []


def test_a_release_that_was_taken_back_is_gone_and_may_come_again(campus, as_, incident):
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert as_.supervisor.delete(f"/incidents/{incident.id}/release").json()["state"] == "withdrawn"
    assert as_.supervisor.delete(f"/incidents/{incident.id}/release").json()["state"] == "withdrawn"
    answer = as_.police.get(f"/released/{incident.id}")
    assert answer.status_code == 410 and answer.json()["code"] == "withdrawn"
    assert "Anna" not in as_.police.get(f"/ui/incidents/{incident.id}").text
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert as_.police.get(f"/released/{incident.id}").status_code == 200
    with campus.database.read() as session:
        actions = [line.action for line in trail.page(session, None, 50) if line.subject == incident.id]
    assert actions[:3] == ["police.released", "police.withdrawn", "police.released"]


def test_an_erased_person_is_not_named_in_what_is_released(campus, as_, incident):
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    campus.profiles.erase(campus.anna.id, "test")
    assert as_.police.get(f"/released/{incident.id}").json()["names"] == {}


def test_a_release_waits_for_the_ledger_in_words(campus, as_):
    incident = campus.put_incident("critical")
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert as_.police.get(f"/released/{incident.id}").status_code == 503


def test_only_what_is_there_can_be_released(as_):
    for path in (f"/incidents/{new_id()}/release", f"/blockchain/log/{new_id()}/release"):
        assert as_.supervisor.post(path).status_code == 404
        assert as_.supervisor.delete(path).status_code == 404


def test_the_page_has_the_button_for_those_who_may(as_, incident):
    path = f"/ui/incidents/{incident.id}"
    assert "Release to the police" in as_.supervisor.get(path).text
    assert "Release to the police" not in as_.guard.get(path).text
    as_.supervisor.post(f"/incidents/{incident.id}/release")
    assert "Take the release back" in as_.admin.get(path).text and "test-supervisor" in as_.guard.get(path).text


def test_a_log_record_is_released_the_same_way(campus, as_):
    log = LogRecord(id=new_id(), device="roof-box", at=now(), location="Gate", kind="tamper", severity="critical",
                    description="Lock forced by Ben", by="guard")
    campus.put_log(log)
    campus.anchor()
    assert as_.police.get(f"/released/{log.id}").status_code == 404
    assert as_.supervisor.post(f"/blockchain/log/{log.id}/release").json()["state"] == "released"
    assert as_.police.get(f"/released/{log.id}").json()["proof"]["record"]["description"] == "Lock forced by Ben"
    assert as_.supervisor.delete(f"/blockchain/log/{log.id}/release").json()["state"] == "withdrawn"
    assert as_.police.get(f"/released/{log.id}").status_code == 410
