"""Entries by REST and as pages: what came, who was told, what the campus released, and how the channel stands."""

import re

import pytest

from cloud.database import trail
from cloud.database.telling import alerts, deliveries
from contract.errors import NotFound
from contract.ids import new_id
from contract.incident import LogRecord
from contract.moments import now
from contract.proof.document import check_proof
from police.api.rules import COOKIE, RULES
from police.database import acknowledgements
from police.database import details as police_details
from police.details import pull_once
from tests.police.conftest import put_entry

BROWSER = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def officer(station):
    return station.clients["police"]


@pytest.fixture
def released(database, campus, clock):
    """An incident that the campus released, its entry's id."""
    _, released, record = campus.incident()
    entry = put_entry(database, record)
    campus.answers[entry] = released
    pull_once(database, campus, clock)
    return entry


def browser(station):
    """A browser with an officer's session."""
    station.accounts.create("Ines", "correct horse battery", "police")
    client = station.client(None)
    client.cookies.set(COOKIE, station.accounts.log_in("Ines", "correct horse battery"))
    client.headers.update(BROWSER)
    return client


def test_newest_first_page_by_page(database, officer):
    ids = [put_entry(database) for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = officer.get("/entries", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [(entry["number"], entry["id"]) for entry in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [(n + 1, ids[n]) for n in (4, 3, 2, 1, 0)]
    for wrong in ("0", "x", str(2**53)):
        assert officer.get(f"/entries?cursor={wrong}").status_code == 422


def test_an_entry_says_what_is_on_the_channel_and_how_it_stands(database, officer):
    entry = put_entry(database)
    found = officer.get(f"/entries/{entry}").json()
    assert {key: found[key] for key in ("number", "campus", "severity", "block", "transaction", "told")} == {
        "number": 1, "campus": "Campus North", "severity": "critical", "block": 7, "transaction": "cd" * 32,
        "told": "waiting"}
    assert found["on_ledger"]["state"] == "queued" and found["details"]["state"] == "waiting"
    assert found["details"]["record"] is None
    with database.write() as session:
        [delivery] = deliveries.for_subject(session, entry)
        deliveries.settle(session, delivery.id, "accepted")
        acknowledgements.written(session, entry, "ef" * 32, 9)
    found = officer.get(f"/entries/{entry}").json()
    assert found["told"] == "told" and found["on_ledger"] == {
        "state": "acknowledged", "transaction": "ef" * 32, "block": 9, "reason": ""}
    assert officer.get(f"/entries/{new_id()}").status_code == 404


def test_released_details_are_shown_with_each_step_of_the_check(officer, released, campus, database):
    found = officer.get(f"/entries/{released}").json()["details"]
    assert found["state"] == "verified" and found["record"]["location"] == "Roof, block C"
    assert list(found["names"].values()) == ["Anna Example"]
    assert any("police channel names it, block 7" in step for step in found["steps"])
    page = officer.get(f"/ui/entries/{released}").text
    for words in ("details verified", "Anna Example (victim", "Past the &lt;b&gt;railing", "Download the proof"):
        assert words in page
    proof = officer.get(f"/entries/{released}/proof")
    assert check_proof(proof.content) and "attachment" in proof.headers["content-disposition"]
    with database.read() as session:
        assert trail.page(session, None, 1)[0].action == "proof.exported"


def test_details_that_do_not_match_are_an_alarm_and_not_shown_as_facts(officer, campus, database, clock):
    incident, released, record = campus.incident()
    entry = put_entry(database, record.model_copy(update={"commitment": "ff" * 32}))
    campus.answers[entry] = released
    pull_once(database, campus, clock)
    details = officer.get(f"/entries/{entry}").json()["details"]
    assert (details["state"], details["record"], details["names"]) == ("mismatch", None, {})
    page = officer.get(f"/ui/entries/{entry}").text
    assert "do not match" in page and 'role="alert"' in page
    assert "Anna" not in page and incident.location not in page
    assert "Details do not match" in officer.get("/ui/entries").text
    assert officer.get(f"/entries/{entry}/proof").status_code == 200, "what was sent is evidence"


def test_a_database_that_somebody_edited_is_noticed_when_it_is_shown(officer, released, database):
    with database.write() as session:
        row = police_details.get(session, released)
        row.content = row.content.replace("Roof, block C", "Roof, block D")
        session.add(row)
    assert officer.get(f"/entries/{released}").json()["details"]["state"] == "mismatch"
    assert "block D" not in officer.get(f"/ui/entries/{released}").text


def test_while_the_campus_has_not_released_it_the_page_says_so_and_can_ask_now(station, database, campus, clock):
    entry = put_entry(database)
    campus.answers[entry] = NotFound("the campus has not released this entry yet")
    pull_once(database, campus, clock)
    officer = browser(station)
    page = officer.get(f"/ui/entries/{entry}").text
    assert "Waiting for the campus" in page and "Last asked" in page
    answer = officer.post(f"/ui/entries/{entry}", data={"do": "ask"})
    assert answer.status_code == 303 and station.woken == 1
    assert pull_once(database, campus, clock) == 1, "it is due at once"
    assert officer.get(f"/entries/{entry}/proof").status_code == 404


def test_a_withdrawal_leaves_the_entry_and_nothing_of_the_details(officer, released, database):
    with database.write() as session:
        police_details.answered(session, released, "withdrawn", None, "the campus took its release back", "")
    page = officer.get(f"/ui/entries/{released}").text
    assert "took its release back" in page and "Anna" not in page and "Entry 1" in page


def test_a_released_log_record_is_shown_too(officer, campus, database, clock):
    # What matters here is the page: a record without people.
    _, released, record = campus.incident(people=(), description="")
    entry = put_entry(database, record)
    log = LogRecord(id=entry, device="roof-box", at=now(), location="Gate", kind="tamper", severity="critical", by="g")
    campus.answers[entry] = released
    pull_once(database, campus, clock)
    assert "nobody named" in officer.get(f"/ui/entries/{entry}").text
    changed = released.model_copy(update={"proof": released.proof.model_copy(update={"record": log})})
    with database.write() as session:
        police_details.answered(session, entry, "verified", changed, "", "")
    assert officer.get(f"/ui/entries/{entry}").status_code == 200


def test_an_officer_answers_on_the_page_once(station, database):
    entry = put_entry(database)
    officer = browser(station)
    for _ in range(2):
        assert officer.post(f"/ui/entries/{entry}", data={"do": "acknowledge"}).status_code == 303
    found = officer.get(f"/entries/{entry}").json()
    assert found["told"] == "answered" and {d["state"] for d in found["deliveries"]} == {"acknowledged"}
    assert "I have seen this" not in officer.get(f"/ui/entries/{entry}").text
    assert officer.post(f"/ui/entries/{entry}", data={"do": "destroy"}).status_code == 422
    assert officer.post(f"/ui/entries/{new_id()}", data={"do": "ask"}).status_code == 404


def test_the_link_of_an_alert_shows_and_acknowledges_without_an_account(station, database):
    entry = put_entry(database)
    with database.read() as session:
        [delivery] = deliveries.for_subject(session, entry)
    path = f"/a/{station.token_for(delivery.id)}"
    anybody = station.clients["nobody"]
    for _ in range(2):
        shown = anybody.get(path)
        assert shown.status_code == 200 and "I have seen this" in shown.text and "Campus North" in shown.text
    assert anybody.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    for _ in range(2):
        assert "Acknowledged" in anybody.post(path, headers=BROWSER).text
    with database.read() as session:
        assert deliveries.get(session, delivery.id).state == "acknowledged"
        assert sum(line.action == "alert.acknowledged" for line in trail.page(session, None, 20)) == 1
    for token, words in ((station.token_for(delivery.id, -1), "expired"), ("x.y.z", "not one of ours")):
        assert words in anybody.get(f"/a/{token}").text and anybody.post(f"/a/{token}").status_code == 404


def test_somebody_who_was_not_told_is_seen(station, officer, database):
    entry = put_entry(database)
    with database.write() as session:
        [delivery] = deliveries.for_subject(session, entry)
        deliveries.settle(session, delivery.id, "failed", reason="code 21211")
        alerts.nobody_could_be_told(session, entry, None, "an event cannot be read")
    page = officer.get("/ui/entries").text
    assert "Somebody was not told" in page and "code 21211" in page and "cannot be read" in page
    assert "nobody was told" in officer.get(f"/ui/entries/{entry}").text


def test_it_is_ready_only_while_the_channel_is_read(station, officer):
    anybody = station.clients["nobody"]
    assert anybody.get("/healthz").json() == {"status": "ok"}
    assert anybody.get("/readyz").json() == {"ready": True, "problems": []}
    station.link.cut_off("no peer answers")
    answer = anybody.get("/readyz")
    assert answer.status_code == 503
    since = station.link.state().since
    assert answer.json()["problems"] == [f"the police channel cannot be reached since {since}: no peer answers"]
    assert "Cut off from the police channel" in officer.get("/ui/entries").text
    station.link.refused("its genesis block is another")
    assert "is not read" in anybody.get("/readyz").json()["problems"][0]
    assert "genesis block is another" in officer.get("/ui/entries").text
    station.link.reading()
    station.faults.append("listener has ended")
    assert anybody.get("/readyz").json()["problems"] == ["listener has ended"]
    assert "listener has ended" in officer.get("/ui/entries").text


def test_figures_name_nobody(station, released):
    figures = station.clients["nobody"].get("/metrics").text
    for line in ("sentrybox_police_entries 1.0", "sentrybox_police_unacknowledged 1.0",
                 "sentrybox_police_channel_up 1.0", 'sentrybox_police_details{state="verified"} 1.0',
                 'sentrybox_deliveries{state="pending"} 1.0'):
        assert line in figures
    assert "Anna" not in figures and released not in figures


def test_accounts_are_made_on_the_page_and_have_only_roles_of_the_police(station):
    station.accounts.create("Ada", "correct horse battery", "admin")
    admin = station.client(None)
    admin.cookies.set(COOKIE, station.accounts.log_in("Ada", "correct horse battery"))
    admin.headers.update(BROWSER)
    form = {"do": "account", "name": "Ines", "password": "correct horse battery", "role": "police"}
    assert admin.post("/ui/accounts", data=form).status_code == 303
    taken = admin.post("/ui/accounts", data=form)
    assert taken.status_code == 409 and "account Ines already" in taken.text
    for change, status in (({"password": "short", "name": "x"}, 422), ({"role": "king", "name": "x"}, 422),
                           ({"role": "guard", "name": "x"}, 422)):
        assert admin.post("/ui/accounts", data={**form, **change}).status_code == status, change
        assert admin.post("/accounts", json={k: v for k, v in {**form, **change}.items() if k != "do"}
                          ).status_code == status
    made = admin.post("/ui/accounts", data={"do": "token", "name": "dispatch", "role": "police"}).text
    token = re.search(r'<p class="mono">([\w-]{40,})</p>', made)[1]
    assert station.client(token).get("/session").json() == {"name": "dispatch", "role": "police"}
    assert admin.post("/ui/accounts", data={"do": "token", "name": "dispatch", "role": "guard"}).status_code == 422


def test_the_first_account_by_its_link_then_in_and_out(station):
    page = station.client(None)
    page.headers.update(BROWSER)
    assert "no account yet" in page.get("/login").text
    form = {"secret": station.accounts.first_link(), "name": "Ada", "password": "correct horse battery",
            "again": "correct horse battery"}
    answer = page.post("/first", data=form)
    assert answer.status_code == 303 and COOKIE in answer.headers["set-cookie"]
    assert page.get("/").headers["location"] == "/ui/entries"
    assert page.get("/session").json() == {"name": "Ada", "role": "admin"}
    page.post("/logout")
    assert page.get("/ui/entries").headers["location"] == "/login?next=/ui/entries"


PAGES = sorted(path for (method, path) in RULES if method == "GET" and (path.startswith("/ui/") or path == "/login"))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_and_labelled(station, released, path):
    if not station.accounts.any():
        station.accounts.create("ada", "correct horse battery", "admin")
    answer = station.clients["admin"].get(path.format(entry_id=released, name="Ada"))
    assert answer.status_code == 200 and answer.text.rstrip().endswith("</html>")
    assert "https://" not in answer.text and "<b>railing" not in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text and " onclick=" not in answer.text, "the policy would refuse them"
    assert '<html lang="en">' in answer.text and answer.text.count("<h1") == 1 and "<title>" in answer.text
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", answer.text):
        if 'type="hidden"' not in field:
            name = re.search(r'\bid="([^"]+)"', field)[1]
            assert f'<label for="{name}"' in answer.text, f"{field} has no label"
    assert not re.search(r"<(?:button|a)\b[^>]*>\s*</", answer.text), "a control without words"
    for reference in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
        assert station.clients["nobody"].get(reference).status_code == 200


def test_a_page_of_nothing_is_a_page(officer):
    answer = officer.get(f"/ui/entries/{new_id()}")
    assert answer.status_code == 404 and "there is no entry" in answer.text
