"""What an alert says, within what a text message holds."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.notify.text import LIMIT, PUSH_LIMIT, TITLE_LIMIT, incident_wording, notice_wording, undelivered_wording
from contract.delivery import Notice
from contract.ids import new_id
from contract.incident import KINDS, Incident, Involved, Kind
from contract.moments import from_text

ANNA, BEN = new_id(), new_id()
NAMES = {ANNA: "Anna Example", BEN: "Ben Example"}
LINK = "https://sentry.example.org/a/" + "x" * 63
AT = "2026-11-23T20:00:00.000Z"


def incident(**fields) -> Incident:
    return Incident(**{"id": new_id(), "device": "roof-box", "sequence": 1, "kind": "intrusion", "severity": "high",
                       "at": AT, "camera": "roof", "location": "Roof, block C", **fields})


def test_it_says_who_what_where_when_and_how_to_answer():
    people = (Involved(person=ANNA, part="victim", confidence=0.9), Involved(person=BEN, part="witness", confidence=1))
    wording = incident_wording(incident(people=people, description="Two people past the railing"), NAMES.get, LINK,
                               from_text(AT) + timedelta(seconds=3))
    assert wording.text().splitlines() == [
        "Intrusion (high)", "Who: Anna Example (victim), Ben Example (witness)", "Where: Roof, block C",
        "When: 2026-11-23 20:00:00 UTC", "Two people past the railing", f"Answer: {LINK}"]
    assert wording.title == "Intrusion (high): Anna Example (victim), Roof, block C"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_alert_begins_with_the_name_of_the_kind(kind):
    wording = incident_wording(incident(kind=kind), NAMES.get, LINK, from_text(AT))
    assert wording.text().startswith(f"{KINDS[kind].label} (high)\n")


def test_a_late_alert_says_how_late():
    wording = incident_wording(incident(), NAMES.get, LINK, from_text(AT) + timedelta(days=1, hours=2, minutes=5))
    assert "LATE: this comes 1 d 2 h 5 min after it happened" in wording.text()


def test_an_erased_person_is_not_named_and_nobody_is_said_so():
    people = (Involved(person=new_id(), part="victim", confidence=1),)
    assert "a person no longer enrolled (victim)" in incident_wording(
        incident(people=people), NAMES.get, LINK, from_text(AT)).text()
    assert "Who: nobody recognised" in incident_wording(incident(), NAMES.get, LINK, from_text(AT)).text()


def test_who_was_not_told_and_why_is_listed():
    text = undelivered_wording(["Ben by push: UNREGISTERED", "Eve by sms: 21211"], "Intrusion, Roof", LINK).text()
    assert text.splitlines() == ["Somebody could not be told of: Intrusion, Roof", "Ben by push: UNREGISTERED",
                                 "Eve by sms: 21211", f"Answer: {LINK}"]


@given(st.text(max_size=1000).filter(lambda t: "\x00" not in t), st.lists(st.sampled_from([ANNA, BEN]), min_size=1,
       max_size=50), st.integers(0, 10**7))
def test_whatever_the_words_it_fits_and_the_link_is_whole(description, users, late):
    notice = Notice(id=new_id(), device="roof-box", users=tuple(users), description=description.strip() or "x",
                    location="L" * 200, at=AT, by="b" * 100)
    wording = notice_wording(notice, lambda _: "N" * 200, LINK, datetime.fromtimestamp(
        from_text(AT).timestamp() + late, UTC))
    for limit in (LIMIT, PUSH_LIMIT):
        assert len(wording.text(limit)) <= limit and wording.text(limit).endswith(f"Answer: {LINK}")
    assert len(wording.title) <= TITLE_LIMIT
