"""The whole way through real processes: from RTSP cameras to an answered alert, the broker away in the middle."""

import json
import re

import httpx
import pytest

from tests.support.demo import ROOT, api, run_check, running_demo, until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with running_demo(tmp_path_factory.mktemp("demo")) as home:
        yield home


def test_the_check_holds_also_with_the_broker_away_in_the_middle(demo):
    lines = run_check(demo, "--outage")
    assert lines.count("exactly once in the cloud") == 2
    assert "outbox empty" in lines


@pytest.mark.slow
def test_several_outages_in_a_row_lose_and_double_nothing(demo):
    for _ in range(3):
        assert "outbox empty" in run_check(demo, "--outage")
    with api(demo, "box", "admin") as box, api(demo, "cloud", "admin") as cloud:

        def every(client):
            ids, cursor = [], None
            while True:
                page = client.get("/incidents", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
                ids += [item["incident"]["id"] for item in page["items"]]
                if (cursor := page["next"]) is None:
                    return ids

        def agree():
            here, there = every(box), every(cloud)
            assert len(there) == len(set(there))
            return set(there) <= set(every(box)) and len(set(here) - set(there)) == 0

        until(agree)


def test_secrets_are_readable_by_their_owner_only(demo):
    for path in (demo / "access.json", demo / "twilio.url", demo / "box" / "keys" / "box.pem", demo / "box" / "box.db"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_token_and_no_password_is_in_a_log(demo):
    access = json.loads((demo / "access.json").read_text())
    secrets = [token for side in access["tokens"].values() for token in side.values()]
    standin = json.loads((demo / "standin" / "standin.json").read_text())
    secrets += [standin["twilio"]["token"], standin["mail"]["password"]]
    for log in (demo / "log").iterdir():
        text = log.read_text(errors="replace")
        assert [secret for secret in secrets if secret in text] == [], log


def test_an_alert_is_answered_by_its_link_and_the_box_hears_of_it(demo):
    standin = httpx.Client(base_url=json.loads((demo / "access.json").read_text())["standin"], trust_env=False)
    link = until(lambda: next((found.group(0) for m in standin.get("/messages").json()["items"]
                               if (found := re.search(r"http://\S+/a/\S+", m["text"]))), None))
    assert httpx.get(link, trust_env=False).is_success
    answered = httpx.post(link, trust_env=False, headers={"Origin": link.split("/a/")[0]}, follow_redirects=True)
    assert answered.is_success, answered.text
    with api(demo, "box", "guard") as box:
        def acknowledged():
            for item in box.get("/incidents", params={"limit": 100}).json()["items"]:
                deliveries = box.get(f"/notify/{item['incident']['id']}").json().get("deliveries", [])
                if any(d["state"] == "acknowledged" for d in deliveries):
                    return True
            return False

        until(acknowledged)


def test_people_made_in_the_cloud_are_recognised_on_the_box_until_they_are_erased(demo):
    photo = (ROOT / "var" / "cache" / "demo" / "biden.jpg").read_bytes()
    with api(demo, "cloud", "admin") as cloud, api(demo, "box", "admin") as box:

        def who():
            answer = box.post("/recognize", content=photo, headers={"Content-Type": "image/jpeg"})
            return [face["profile"]["id"] for face in answer.json()["faces"] if face["status"] == "known"]

        def erase(person):
            assert cloud.delete(f"/users/{person}").status_code == 202
            until(lambda: box.get(f"/users/{person}").status_code == 404)
            assert who() == []
            until(lambda: cloud.get(f"/users/{person}/erasure").json()["boxes"].get("demo-box"))

        until(lambda: len(who()) == 1)
        erase(who()[0])
        made = cloud.post("/users/register", timeout=90, files=[("photos", ("p.jpg", photo, "image/jpeg"))],
                          data={"name": "From The Cloud", "consent": json.dumps({"given_by": "x", "basis": "consent"})})
        assert made.status_code == 201, made.text
        until(lambda: who() == [made.json()["id"]])
        erase(made.json()["id"])


def test_the_police_log_is_for_the_police_and_tells_their_contact_by_itself(demo):
    with (api(demo, "box", "guard") as guard, api(demo, "cloud", "police") as police,
          api(demo, "cloud", "admin") as admin):
        made = guard.post("/blockchain/log", json={"time": "2026-11-23T20:00:00Z", "location": "Gym, north door",
                                                   "kind": "violence", "severity": "critical",
                                                   "description": "two people fighting"})
        assert made.status_code == 201, made.text
        record = made.json()["id"]
        until(lambda: guard.get(f"/blockchain/log/{record}").json()["ledger"]["status"] == "anchored")
        entries = until(lambda: [entry for entry in police.get("/ledger/police/entries").json()["items"]
                                 if record in json.dumps(entry)])
        assert "Gym" not in json.dumps(entries) and "fighting" not in json.dumps(entries)
        assert admin.get("/ledger/police/entries").status_code == 403
        standin = httpx.Client(base_url=json.loads((demo / "access.json").read_text())["standin"], trust_env=False)
        until(lambda: [m for m in standin.get("/messages", params={"limit": 1000}).json()["items"]
                       if m["to"] == "desk@police.example"])
