"""Incidents, notices and the ledger over REST."""

import json

import pytest

from contract.canonical import canonical_bytes
from contract.ledger import Anchor
from contract.views import LedgerState
from tests.appliance.api.conftest import TIME, House

UNKNOWN = "0193a1b2-0000-7000-8000-000000000000"
BODY = {"time": TIME, "location": "Main gate", "kind": "fall"}


def test_report_with_an_affected_user(house: House):
    ada = house.enrol("Ada")
    answer = house.as_("guard").post("/incidents", json={**BODY, "affected_user": ada["id"], "description": " Help "})
    assert answer.status_code == 201
    view = answer.json()
    incident = view["incident"]
    assert answer.headers["location"] == f"/incidents/{incident['id']}"
    assert incident["at"] == "2026-11-23T19:00:00.000Z" and incident["severity"] == "high"
    assert incident["people"] == [{"person": ada["id"], "part": "victim", "confidence": 1.0}]
    assert view["names"] == {ada["id"]: "Ada"} and view["state"] == "open"
    assert view["ledger"]["status"] == "recorded" and view["ledger"]["entry"]["entry"]["sequence"] == 1
    assert house.as_("police").get(answer.headers["location"]).json()["incident"] == incident


@pytest.mark.parametrize(("kind", "severity"), [("fall", "high"), ("violence", "high"), ("intrusion", "high"),
                                                ("tamper", "medium"), ("manual", "medium")])
def test_usual_severities(house: House, kind, severity):
    assert house.incident(kind=kind)["incident"]["severity"] == severity
    assert house.incident(kind=kind, severity="low")["incident"]["severity"] == "low"


def test_idempotency(house: House):
    client, key = house.as_("guard"), {"Idempotency-Key": "abc"}
    first, second = (client.post("/incidents", json=BODY, headers=key) for _ in range(2))
    assert first.json()["incident"] == second.json()["incident"] and second.status_code == 201
    assert "idempotency-replayed" not in first.headers and second.headers["idempotency-replayed"] == "true"
    other = client.post("/incidents", json={**BODY, "location": "Elsewhere"}, headers=key)
    assert other.status_code == 409
    theirs = house.as_("supervisor").post("/incidents", json=BODY, headers=key)
    assert theirs.json()["incident"]["id"] != first.json()["incident"]["id"], "keys belong to whom sent them"
    assert len(client.get("/incidents").json()["items"]) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "two words", "ümlaut"])
def test_wrong_keys(house: House, key):
    answer = house.as_("guard").post("/incidents", json=BODY, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422 and "Idempotency-Key" in answer.json()["errors"][0]["field"]


@pytest.mark.parametrize(("change", "field", "words"), [
    ({"time": "2026-11-23T20:00:00"}, "body.time", "zone"),
    ({"time": "2026-11-23"}, "body.time", "2026-11-23T20:00:00Z"),
    ({"time": "yesterday"}, "body.time", "yesterday"),
    ({"time": 1764014400}, "body.time", "text"),
    ({"time": None}, "body.time", "text"),
    ({"time": "9999-12-31T23:59:59-23:59"}, "body.time", "years 1 and 9999"),
    ({"kind": "earthquake"}, "body.kind", "fall"),
    ({"severity": "worst"}, "body.severity", "critical"),
    ({"location": ""}, "body.location", "1 character"),
    ({"location": "x" * 201}, "body.location", "200"),
    ({"location": ["a"]}, "body.location", "string"),
    ({"description": "x" * 1001}, "body.description", "1000"),
    ({"affected_user": "Ada"}, "body.affected_user", "pattern"),
    ({"people": "Ada"}, "body.people", "tuple"),
    ({"people": [{"person": UNKNOWN, "part": "hero"}]}, "body.people.0.part", "victim"),
    ({"people": [{"person": UNKNOWN, "confidence": 2}]}, "body.people.0.confidence", "1"),
    ({"people": [{"person": UNKNOWN}, {"person": UNKNOWN}]}, "body", "twice"),
    ({"camera": "Main Gate"}, "body.camera", "pattern"),
    ({"colour": "red"}, "body.colour", "not permitted"),
])
def test_wrong_fields_are_named(house: House, change, field, words):
    answer = house.as_("guard").post("/incidents", json={**BODY, **change})
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert any(e["field"] == field and words in e["message"] for e in errors), errors
    assert house.store.counts()["incidents"] == 0


@pytest.mark.parametrize(("content", "status"), [
    (b"", 422), (b"{", 422), (b"null", 422), (b"[]", 422), (b'"text"', 422), (b"\xff\xfe", 422), (b"[" * 200_000, 400),
    (b'{"time": NaN}', 422), (b'{"location": "\\ud800"}', 422),
    (json.dumps({**BODY, "pad": "x" * (10 << 20)}).encode(), 413),
])
def test_what_is_not_our_json(house: House, content, status):
    answer = house.as_("guard").post("/incidents", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json", answer.text


def test_an_unknown_person(house: House):
    answer = house.as_("guard").post("/incidents", json={**BODY, "affected_user": UNKNOWN})
    assert answer.status_code == 422 and UNKNOWN in answer.json()["detail"]


def test_pages_newest_first_and_filters(house: House):
    made = [house.incident(kind=kind, location=f"Place {i}")["incident"]["id"]
            for i, kind in enumerate(["fall", "manual", "fall", "tamper", "fall"])]
    client = house.as_("guard")
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/incidents", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [v["incident"]["id"] for v in page["items"]]
        cursor = page["next"]
    assert seen == made[::-1]
    falls = client.get("/incidents", params={"kind": "fall"}).json()["items"]
    assert [v["incident"]["id"] for v in falls] == [made[4], made[2], made[0]]
    client.patch(f"/incidents/{made[0]}", json={"action": "acknowledge"})
    mine = client.get("/incidents", params={"state": "acknowledged"}).json()["items"]
    assert [v["incident"]["id"] for v in mine] == [made[0]]
    none = client.get("/incidents", params={"since": "2026-11-23T21:00:00+01:00"}).json()["items"]
    assert none == []


@pytest.mark.parametrize("query", ["since=2026-11-23T20:00:00", "until=tomorrow", "kind=x", "severity=x", "state=x",
                                   "cursor=%ff", "cursor=nonsense", "limit=0", "person=Ada", "camera=A!"])
def test_wrong_filters(house: House, query):
    answer = house.as_("guard").get(f"/incidents?{query}")
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


def test_actions(house: House):
    path = f"/incidents/{house.incident()['incident']['id']}"
    client = house.as_("guard")
    assert client.patch(path, json={"action": "acknowledge"}).json()["state"] == "acknowledged"
    assert client.patch(path, json={"action": "assign", "assignee": "Grace"}).json()["assignee"] == "Grace"
    assert client.patch(path, json={"action": "note", "note": "on my way"}).json()["actions"][-1]["note"] == "on my way"
    done = client.patch(path, json={"action": "resolve", "note": "all well"}).json()
    assert done["state"] == "resolved" and [a["by"] for a in done["actions"]] == ["guard token"] * 4
    assert client.patch(path, json={"action": "acknowledge"}).status_code == 409
    assert client.patch(path, json={"action": "note", "note": "afterwards"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"action": "forget"}, {"action": "assign"}, {"action": "note"}, {"action": 1},
                                  {"action": "resolve", "note": "x" * 1001}, {"action": "resolve", "by": "me"}])
def test_wrong_actions(house: House, body):
    path = f"/incidents/{house.incident()['incident']['id']}"
    assert house.as_("guard").patch(path, json=body).status_code == 422
    assert house.as_("guard").get(path).json()["actions"] == []


def test_unknown_incidents(house: House):
    client = house.as_("guard")
    for answer in (client.get(f"/incidents/{UNKNOWN}"), client.get(f"/notify/{UNKNOWN}"),
                   client.patch(f"/incidents/{UNKNOWN}", json={"action": "resolve"}),
                   client.get(f"/blockchain/log/{UNKNOWN}"), client.get(f"/blockchain/log/{UNKNOWN}/proof")):
        assert answer.status_code == 404 and answer.json()["code"] == "notfound"


def test_what_police_sees_and_does(house: House):
    low, high = house.incident(kind="manual")["incident"]["id"], house.incident(kind="fall")["incident"]["id"]
    police = house.as_("police")
    assert [v["incident"]["id"] for v in police.get("/incidents").json()["items"]] == [high]
    assert police.get(f"/incidents/{low}").status_code == 404
    assert police.get(f"/blockchain/log/{low}").status_code == 404
    assert police.patch(f"/incidents/{low}", json={"action": "acknowledge"}).status_code == 404
    assert police.patch(f"/incidents/{high}", json={"action": "resolve"}).status_code == 403
    assert police.patch(f"/incidents/{high}", json={"action": "acknowledge"}).json()["state"] == "acknowledged"


def test_evidence(house: House):
    from contract.incident import IncidentDraft

    kept, other = house.store.files.put(b"\xff\xd8jpeg", "image/jpeg"), house.store.files.put(b"other", "image/jpeg")
    view, _ = house.store.incidents.record(
        IncidentDraft("fall", "high", "2026-11-23T19:00:00Z", "Gate", evidence=(kept,)), by="rules")
    path = f"/incidents/{view.incident.id}/evidence/"
    answer = house.as_("police").get(path + kept.sha256)
    assert answer.content == b"\xff\xd8jpeg" and answer.headers["content-type"] == "image/jpeg"
    assert "private" in answer.headers["cache-control"]
    assert house.as_("guard").get(path + other.sha256).status_code == 404
    assert house.as_("guard").get(path + "..%2f..").status_code in (404, 422)


def test_log_and_its_place_in_the_chain(house: House):
    house.incident()
    answer = house.as_("guard").post("/blockchain/log", json={**BODY, "kind": "manual", "description": "A note"})
    body = answer.json()
    assert answer.status_code == 201 and answer.headers["location"] == f"/blockchain/log/{body['id']}"
    assert (body["record_type"], body["status"], body["sequence"], body["proof"]) == ("log", "recorded", 2, None)
    assert len(body["hash"]) == 64 and body["record"]["by"] == "guard token"
    assert house.as_("police").get(answer.headers["location"]).json() == body
    proof = house.as_("guard").get(answer.headers["location"] + "/proof")
    assert proof.status_code == 503 and proof.headers["retry-after"]


def test_log_of_an_incident(house: House):
    incident = house.incident()["incident"]
    body = house.as_("guard").get(f"/blockchain/log/{incident['id']}").json()
    assert body["record_type"] == "incident" and body["record"] == incident and body["sequence"] == 1


@pytest.mark.parametrize("change", [{"time": "2026-11-23T20:00:00"}, {"kind": "x"}, {"location": ""}, {"by": "me"}])
def test_wrong_logs(house: House, change):
    assert house.as_("guard").post("/blockchain/log", json={**BODY, **change}).status_code == 422


def test_police_anchors_are_for_police(house: House, monkeypatch):
    logged = house.as_("guard").post("/blockchain/log", json=BODY).json()
    view = house.store.logs.get(logged["id"])
    at = "2026-11-23T20:00:00.000Z"
    anchors = tuple(Anchor(channel=c, transaction="t", block=1, at=at) for c in ("general", "police"))
    state = LedgerState(**{**view.ledger.model_dump(), "status": "anchored", "anchors": anchors})
    monkeypatch.setattr(house.store.logs, "get", lambda _: view.model_copy(update={"ledger": state}))

    def channels(role: str) -> list[str]:
        body = house.as_(role).get(f"/blockchain/log/{logged['id']}").json()
        assert body["proof"] == f"/blockchain/log/{logged['id']}/proof"
        return [a["channel"] for a in body["ledger"]["anchors"]]

    assert channels("police") == ["general", "police"]
    assert channels("guard") == channels("admin") == ["general"]


def test_the_proof_is_sent_byte_for_byte(house: House, monkeypatch):
    logged = house.as_("guard").post("/blockchain/log", json=BODY).json()
    asked = []

    class Exact:
        def to_bytes(self) -> bytes:
            return canonical_bytes({"b": 1, "a": "ü"})

    monkeypatch.setattr(house.store, "proof", lambda record, reader: asked.append((record, reader)) or Exact())
    answer = house.as_("police").get(f"/blockchain/log/{logged['id']}/proof")
    assert answer.content == '{"a":"ü","b":1}'.encode() and answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    house.as_("admin").get(f"/blockchain/log/{logged['id']}/proof")
    assert asked == [(logged["id"], "police"), (logged["id"], None)]


def test_notify_and_follow(house: House):
    bea = house.enrol("Bea", contacts=[{"channel": "sms", "address": "+4915112345678"}])
    ada = house.enrol("Ada", friends=[bea["id"]])
    body = {"users": [ada["id"]], "description": "She fell", "location": "Main gate"}
    answer = house.as_("guard").post("/notify", json=body, headers={"Idempotency-Key": "n-1"})
    assert answer.status_code == 202, answer.text
    view = answer.json()
    assert [(d["recipient"], d["channel"], d["state"]) for d in view["deliveries"]] == [(bea["id"], "sms", "pending")]
    assert view["waiting_for"], "the cloud is away, and that is said"
    assert house.as_("guard").get(answer.headers["location"]).json() == view
    again = house.as_("guard").post("/notify", json=body, headers={"Idempotency-Key": "n-1"})
    assert again.json()["id"] == view["id"] and again.headers["idempotency-replayed"] == "true"
    by_old_name = house.as_("guard").post("/notify", json={**{k: body[k] for k in ("description", "location")},
                                                           "user_ids": [ada["id"]]})
    assert by_old_name.status_code == 202


@pytest.mark.parametrize(("change", "words"), [
    ({"users": []}, "users"), ({"users": [UNKNOWN]}, UNKNOWN), ({"users": "x"}, "users"),
    ({"description": "  "}, "description"),
    ({"location": ""}, "location"), ({"audience": ["press"]}, "friends"), ({"audience": []}, "audience"),
])
def test_wrong_notices(house: House, change, words):
    ada = house.enrol("Ada")
    body = {"users": [ada["id"]], "description": "x", "location": "y", **change}
    answer = house.as_("guard").post("/notify", json=body)
    assert answer.status_code == 422 and words in answer.json()["detail"], answer.text


def test_nobody_to_tell_is_an_error(house: House):
    ada = house.enrol("Ada")
    answer = house.as_("guard").post("/notify", json={"users": [ada["id"]], "description": "x", "location": "y"})
    assert answer.status_code == 422 and "nobody could be told" in answer.json()["detail"]
