"""The link of an alert: looking changes nothing, the button acknowledges, and the box hears of it."""

import pytest

from cloud.database import trail
from cloud.database.down import feed
from cloud.database.records import records
from cloud.database.telling import deliveries
from contract.incident import KINDS


@pytest.fixture
def alert(campus):
    """An incident and the delivery to Anna's friend."""
    incident = campus.put_incident(description="Past the railing <b>now</b>")
    with campus.database.read() as session:
        [delivery] = [d for d in deliveries.for_subject(session, incident.id) if d.audience == "friends"]
    return incident, delivery


def state_of(campus, incident, delivery):
    with campus.database.read() as session:
        return (records.incident_view(session, incident.id).state, deliveries.get(session, delivery.id).state)


def test_looking_shows_who_where_what_and_changes_nothing(campus, as_, alert):
    incident, delivery = alert
    for _ in range(2):
        answer = as_.nobody.get(f"/a/{campus.token_for(delivery.id)}")
        assert answer.status_code == 200
    for words in ("Intrusion", "Anna Example", "Roof, block C", "Past the railing &lt;b&gt;now", "I have seen this"):
        assert words in answer.text
    assert "+49" not in answer.text, "nobody's number is shown"
    assert state_of(campus, incident, delivery) == ("open", "pending")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_name_on_the_pages(campus, as_, kind):
    incident = campus.put_incident(kind=kind, severity="critical")
    with campus.database.read() as session:
        delivery = deliveries.for_subject(session, incident.id)[0]
    name = f"<h1>{KINDS[kind].label}</h1>"
    assert name in as_.nobody.get(f"/a/{campus.token_for(delivery.id)}").text
    assert name in as_.admin.get(f"/ui/incidents/{incident.id}").text


def test_the_button_acknowledges_delivery_and_incident_and_tells_the_box(campus, as_, alert):
    incident, delivery = alert
    token = campus.token_for(delivery.id)
    for _ in range(2):
        answer = as_.nobody.post(f"/a/{token}", headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 200 and "Acknowledged" in answer.text
    assert state_of(campus, incident, delivery) == ("acknowledged", "acknowledged")
    with campus.database.read() as session:
        [action] = records.actions_of(session, incident.id)
        bodies = [c.body for c in feed.changes_for(session, "roof-box", 0, 200).changes]
        assert [line.by for line in trail.page(session, None, 50) if line.action == "alert.acknowledged"] == ["friend"]
    assert (action.verb, action.by) == ("acknowledge", "friend")
    assert [b.action.id for b in bodies if b.type == "action"] == [action.id]
    ours = [b.delivery for b in bodies if b.type == "delivery" and b.delivery.id == delivery.id]
    assert [d.state for d in ours] == ["acknowledged"]


def test_an_expired_or_forged_link_is_refused_in_words_and_does_nothing(campus, as_, alert):
    incident, delivery = alert
    old, good = campus.token_for(delivery.id, valid=-1), campus.token_for(delivery.id)
    for token, words in ((old, "expired"), (good[:-1] + ("A" if good[-1] != "A" else "B"), "not one of ours"),
                         ("x", "not one of ours")):
        for answer in (as_.nobody.get(f"/a/{token}"), as_.nobody.post(f"/a/{token}")):
            assert answer.status_code == 404 and words in answer.text
    assert state_of(campus, incident, delivery) == ("open", "pending")


def test_another_sites_page_cannot_press_the_button(campus, as_, alert):
    incident, delivery = alert
    answer = as_.nobody.post(f"/a/{campus.token_for(delivery.id)}", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and state_of(campus, incident, delivery)[0] == "open"


def test_a_link_to_an_erased_friends_alert_still_answers(campus, as_, alert):
    incident, delivery = alert
    campus.profiles.erase(campus.ben.id, "test")
    answer = as_.nobody.post(f"/a/{campus.token_for(delivery.id)}")
    assert answer.status_code == 200 and state_of(campus, incident, delivery) == ("acknowledged", "acknowledged")
