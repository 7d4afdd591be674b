"""Details come when the campus releases them, are checked against the channel, and go when they are withdrawn."""

from datetime import timedelta

import pytest

from contract.errors import NotFound, Rejected, Unavailable
from contract.moments import from_text, now
from police.campus import Unreachable, Withdrawn
from police.database import details
from police.details import LATEST_S, PAUSE_S, SOONEST_S, next_look, pull_once
from tests.police.conftest import put_entry


def row(database, entry):
    with database.read() as session:
        return details.get(session, entry)


def test_what_is_released_is_verified_against_the_channel(database, campus, clock):
    incident, released, record = campus.incident()
    entry = put_entry(database, record)
    campus.answers[entry] = NotFound("the campus has not released this entry yet")
    assert pull_once(database, campus, clock) == 1
    assert row(database, entry).state == "waiting" and row(database, entry).asked_at
    campus.answers[entry] = released
    assert pull_once(database, campus, clock) == 0, "not before it is due"
    clock.later(SOONEST_S + 1)
    pull_once(database, campus, clock)
    found = row(database, entry)
    assert found.state == "verified" and details.released_of(found) == released
    assert details.released_of(found).proof.record == incident


@pytest.mark.parametrize("what", ["record", "salt", "another incident", "another commitment", "signature"])
def test_what_does_not_match_is_said_loudly(database, campus, clock, what):
    incident, released, record = campus.incident()
    proof, words = released.proof, "committed to"
    if what == "record":
        proof = proof.model_copy(update={"record": incident.model_copy(update={"description": "Nothing happened"})})
    elif what == "salt":
        proof = proof.model_copy(update={"salt": "00" * 32})
    elif what == "another incident":
        proof, words = campus.incident()[1].proof, "this is entry"
    elif what == "another commitment":
        record, words = record.model_copy(update={"commitment": "ff" * 32}), "police channel"
    else:
        signed = proof.entry.model_copy(update={"signature": "00" * 64})
        proof, words = proof.model_copy(update={"entry": signed}), "not signed"
    entry = put_entry(database, record)
    campus.answers[entry] = released.model_copy(update={"proof": proof})
    pull_once(database, campus, clock)
    assert row(database, entry).state == "mismatch" and words in row(database, entry).reason


def test_what_was_withdrawn_is_dropped_and_may_come_back(database, campus, clock):
    _, released, record = campus.incident()
    entry = put_entry(database, record)
    for answer, state, kept in ((released, "verified", True), (Withdrawn("taken back"), "withdrawn", False),
                                (released, "verified", True)):
        campus.answers[entry] = answer
        pull_once(database, campus, clock)
        assert (row(database, entry).state, bool(row(database, entry).content)) == (state, kept)
        clock.later(LATEST_S)


def test_a_name_that_the_campus_erased_goes_at_the_next_look(database, campus, clock):
    _, released, record = campus.incident()
    entry = put_entry(database, record)
    campus.answers[entry] = released
    pull_once(database, campus, clock)
    campus.answers[entry] = released.model_copy(update={"names": {}})
    clock.later(LATEST_S)
    pull_once(database, campus, clock)
    assert "Anna" not in row(database, entry).content and row(database, entry).state == "verified"


def test_a_campus_that_cannot_be_reached_is_asked_once_and_not_per_entry(database, campus, clock):
    entries = [put_entry(database) for _ in range(5)]
    campus.answers = dict.fromkeys(entries, Unreachable("the campus cannot be reached"))
    assert pull_once(database, campus, clock) == 0 and len(campus.asked) == 1
    assert {row(database, entry).reason for entry in entries} == {"the campus cannot be reached"}
    clock.later(PAUSE_S - 1)
    assert pull_once(database, campus, clock) == 0 and len(campus.asked) == 1, "not before it is due"
    campus.answers = dict.fromkeys(entries, NotFound("not yet"))
    clock.later(2)
    assert pull_once(database, campus, clock) == 5


@pytest.mark.parametrize("error", [Unreachable("the campus cannot be reached"), Unavailable("not anchored yet"),
                                   Rejected("more than 1 bytes")])
def test_a_campus_that_cannot_be_asked_takes_nothing_away(database, campus, clock, error):
    _, released, record = campus.incident()
    entry = put_entry(database, record)
    campus.answers[entry] = error
    assert pull_once(database, campus, clock) == 0
    assert row(database, entry).state == "waiting" and str(error) in row(database, entry).reason
    clock.later(LATEST_S)
    campus.answers[entry] = released
    pull_once(database, campus, clock)
    clock.later(LATEST_S)
    campus.answers[entry] = error
    pull_once(database, campus, clock)
    assert row(database, entry).state == "verified" and row(database, entry).content


def test_it_asks_soon_while_an_entry_is_fresh_and_within_an_hour_always():
    at = from_text(now())
    for age, wait in ((0, 10), (100, 10), (2000, 100), (86400 * 30, 3600)):
        seen = (at - timedelta(seconds=age)).isoformat()
        assert from_text(next_look(seen, at)) - at == timedelta(seconds=wait), age


def test_somebody_who_asks_is_answered_at_once(database, campus, clock):
    _, released, record = campus.incident()
    entry = put_entry(database, record)
    campus.answers[entry] = NotFound("not yet")
    pull_once(database, campus, clock)
    campus.answers[entry] = released
    with database.write() as session:
        details.ask_now(session, entry)
    pull_once(database, campus, clock)
    assert row(database, entry).state == "verified"
