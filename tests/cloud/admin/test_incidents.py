"""Incidents, the truth about who was told, the ledger and its proofs, as each role sees them."""

import hashlib

import pytest

from cloud.database.down import feed
from cloud.database.records import evidence
from cloud.database.telling import alerts, deliveries
from contract.ids import new_id
from contract.incident import Evidence
from contract.messages import EvidenceChunk
from contract.proof.document import check_proof

JPEG = b"\xff\xd8 a picture \xff\xd9"
SHA = hashlib.sha256(JPEG).hexdigest()


def put_file(campus):
    import base64
    chunk = EvidenceChunk(sha256=SHA, media_type="image/jpeg", size=len(JPEG), index=0, count=1,
                          data=base64.b64encode(JPEG).decode())
    with campus.database.write() as session:
        assert evidence.add_chunk(session, campus.home / "files", "roof-box", chunk)


def test_newest_first_page_by_page_with_filters(campus, as_):
    ids = [campus.put_incident(severity, at=f"2026-11-23T20:0{n}:00Z").id
           for n, severity in enumerate(("low", "high", "critical"))]
    seen, cursor = [], None
    while True:
        page = as_.guard.get("/incidents", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        seen += [i["incident"]["id"] for i in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert [i["incident"]["id"] for i in as_.guard.get("/incidents?severity=low").json()["items"]] == ids[:1]
    assert [i["incident"]["id"] for i in as_.police.get("/incidents").json()["items"]] == ids[:0:-1]
    assert as_.police.get(f"/incidents/{ids[0]}").status_code == 404


def test_what_is_done_here_goes_down_to_the_box(campus, as_):
    incident = campus.put_incident()
    path = f"/incidents/{incident.id}"
    assert as_.guard.patch(path, json={"action": "acknowledge"}).json()["state"] == "acknowledged"
    assert as_.police.patch(path, json={"action": "resolve"}).status_code == 403
    assert as_.guard.patch(path, json={"action": "resolve", "note": "false alarm"}).json()["state"] == "resolved"
    assert as_.guard.patch(path, json={"action": "acknowledge"}).status_code == 409
    with campus.database.read() as session:
        bodies = [c.body for c in feed.changes_for(session, "roof-box", 0, 200).changes]
    assert [b.action.verb for b in bodies if b.type == "action"] == ["acknowledge", "resolve"]


def test_evidence_is_shown_once_it_has_arrived_and_only_through_its_incident(campus, as_):
    incident = campus.put_incident(evidence=(Evidence(sha256=SHA, media_type="image/jpeg", size=len(JPEG)),))
    path = f"/incidents/{incident.id}/evidence/{SHA}"
    assert as_.guard.get(path).status_code == 404
    assert "not arrived" in as_.guard.get(f"/ui/incidents/{incident.id}").text
    put_file(campus)
    answer = as_.guard.get(path)
    assert (answer.content, answer.headers["content-type"]) == (JPEG, "image/jpeg")
    assert f"evidence/{SHA}" in as_.guard.get(f"/ui/incidents/{incident.id}").text
    other = campus.put_incident()
    assert as_.guard.get(f"/incidents/{other.id}/evidence/{SHA}").status_code == 404


def test_a_notice_tells_one_delivery_per_recipient_and_can_be_followed(campus, as_):
    body = {"user_ids": [campus.anna.id], "description": "Come to the gate", "location": "Gate"}
    answer = as_.guard.post("/notify", json=body, headers={"Idempotency-Key": "n1"})
    assert answer.status_code == 202, answer.text
    again = as_.guard.post("/notify", json=body, headers={"Idempotency-Key": "n1"})
    assert again.json() == answer.json() and again.headers["idempotency-replayed"] == "true"
    assert as_.guard.post("/notify", json={**body, "location": "Yard"}, headers={"Idempotency-Key": "n1"}
                          ).status_code == 409
    told = as_.guard.get(answer.headers["location"]).json()["deliveries"]
    assert {(d["audience"], d["channel"], d["state"]) for d in told} == {
        ("friends", "sms", "pending"), ("security", "sms", "pending")}


def test_a_notice_nobody_can_get_is_an_error(campus, as_):
    answer = as_.guard.post("/notify", json={"users": [campus.ben.id], "description": "x", "location": "y",
                                             "audience": ["friends"]})
    assert answer.status_code == 422 and "nobody could be told" in answer.json()["detail"]


def test_what_failed_is_an_alarm_for_all_to_see(campus, as_):
    incident = campus.put_incident(victim=False)
    with campus.database.write() as session:
        alerts.nobody_could_be_told(session, incident.id, "roof-box", "nobody has a contact")
        [sms] = [d for d in deliveries.for_subject(session, incident.id) if d.audience == "security"
                 and d.recipient == "security"]
        deliveries.settle(session, sms.id, "failed", reason="Twilio answered 400: code 21211")
    reasons = [d["reason"] for d in as_.guard.get("/alarms").json()["items"]]
    assert sorted(reasons) == ["Twilio answered 400: code 21211", "nobody could be told: nobody has a contact"]
    for page in ("/ui/incidents", f"/ui/incidents/{incident.id}"):
        text = as_.guard.get(page).text
        assert "nobody could be told" in text and "code 21211" in text
    assert "21211" not in as_.police.get(f"/ui/incidents/{incident.id}").text
    as_.guard.patch(f"/incidents/{incident.id}", json={"action": "resolve"})
    assert as_.guard.get("/alarms").json()["items"] == [], "until somebody has resolved the incident"


def test_ledger_states_and_a_proof_that_verifies(campus, as_):
    incident = campus.put_incident("critical")
    path = f"/blockchain/log/{incident.id}"
    assert as_.guard.get(path).json()["status"] == "recorded"
    assert as_.guard.get(f"{path}/proof").status_code == 503
    campus.anchor()
    assert as_.guard.get(path).json()["status"] == "anchored"
    assert as_.supervisor.post(f"/incidents/{incident.id}/release").status_code == 200
    for client, channels in ((as_.guard, {"general"}), (as_.police, {"general", "police"})):
        answer = client.get(path).json()
        assert {a["channel"] for a in answer["anchors"]} == channels
        proof = client.get(answer["proof"])
        steps = check_proof(proof.content)
        assert sum("leaf" in step for step in steps) == len(channels)
        assert {i["head"]["channel"] for i in proof.json()["inclusions"]} == channels


def test_the_logs_are_paged_and_signed(campus, as_):
    for _ in range(3):
        campus.put_incident("critical")
    campus.anchor()
    first = as_.police.get("/ledger/police/entries?limit=2").json()
    rest = as_.police.get(f"/ledger/police/entries?limit=2&cursor={first['next']}").json()
    assert [e["block"] for e in first["items"] + rest["items"]] == [0, 1, 2] and rest["next"] is None
    assert as_.police.get("/ledger/police/head").json()["size"] == 3


@pytest.mark.parametrize("role", ["guard", "supervisor", "admin"])
def test_police_anchors_are_not_shown_to_others(campus, role):
    incident = campus.put_incident("critical")
    campus.anchor()
    client = campus.clients[role]
    views = [client.get(f"/incidents/{incident.id}").json(), client.get("/incidents").json()["items"][0]]
    assert all({a["channel"] for a in v["ledger"]["anchors"]} == {"general"} for v in views)
    assert "Police log" not in client.get(f"/ui/incidents/{incident.id}").text


def test_a_log_record_of_nobody(as_):
    assert as_.guard.get(f"/blockchain/log/{new_id()}").status_code == 404
