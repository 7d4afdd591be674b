"""Intrusions from synthetic tracks: one per stay, in closed hours, naming whom the faces showed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.pipeline.rules.intrusion import Intrusion, IntrusionSettings
from appliance.pipeline.rules.rule import Scene, Seen
from contract.ids import derived_id
from contract.zone import Zone

YARD = Zone(name="yard", polygon=((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)))
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ADA = derived_id("ada")


def person(x, y, track=1, identity="none", who=None):
    return Seen(track, (x - 0.02, y - 0.1, 0.04, 0.1), (x, y), identity, who, 0.98 if who else 0.0)


def run(frames, zone=YARD, fps=10.0, rule=None):
    """Feed frames (lists of people); return (frame number, finding) pairs."""
    rule = rule or Intrusion(IntrusionSettings())
    found = []
    for number, people in enumerate(frames):
        at = START + timedelta(seconds=number / fps)
        scene = Scene(at.timestamp(), at, tuple(people), (zone,))
        found += [(number, finding) for finding in rule.step(scene)]
    return found


IN, OUT = (0.5, 0.5), (0.1, 0.1)


def test_a_second_inside_is_an_intrusion_and_staying_is_the_same_one():
    found = run([[person(*IN)]] * 300)
    assert [number for number, _ in found] == [10]
    assert found[0][1].kind == "intrusion" and found[0][1].severity == "high" and found[0][1].people == ()


def test_passing_for_less_than_a_second_is_not():
    assert run([[person(*OUT)]] * 5 + [[person(*IN)]] * 9 + [[person(*OUT)]] * 30) == []


@pytest.mark.parametrize(("sensitivity", "frames"), [("low", 30), ("normal", 10), ("high", 5)])
def test_sensitivity_says_how_long_somebody_stands_there(sensitivity, frames):
    def rule():
        return IntrusionSettings(sensitivity=sensitivity).rule()

    assert [number for number, _ in run([[person(*IN)]] * 60, rule=rule())] == [frames]
    assert run([[person(*IN)]] * frames + [[person(*OUT)]] * 60, rule=rule()) == []
    waiting = run([[person(*IN, identity="open")]] * 60, rule=rule())
    assert [number for number, _ in waiting] == [frames + 15], "the wait for a name is the same for all"


@pytest.mark.parametrize(("sensitivity", "seconds"), [("low", "3 s"), ("normal", "1 s"), ("high", "0.5 s")])
def test_the_effect_names_the_seconds(sensitivity, seconds):
    assert seconds in IntrusionSettings(sensitivity=sensitivity).effect()


def test_a_noisy_foot_point_does_not_make_two():
    flicker = [[person(*(OUT if i % 7 == 0 else IN))] for i in range(1, 200)]
    assert len(run(flicker)) == 1


def test_leaving_and_coming_back_is_a_second_one():
    assert len(run([[person(*IN)]] * 20 + [[person(*OUT)]] * 30 + [[person(*IN)]] * 20)) == 2


def test_each_person_counts_for_themselves():
    frames = [[person(*IN, track=1)] * (i >= 0) + [person(0.45, 0.45, track=2)] * (i >= 15) for i in range(60)]
    assert [number for number, _ in run(frames)] == [10, 25]


def test_people_who_enter_together_are_one_incident():
    found = run([[person(*IN, track=1), person(0.45, 0.45, track=2)]] * 40)
    assert len(found) == 1 and found[0][1].description.startswith("2 people")


def test_a_lost_and_found_track_is_the_same_person():
    assert len(run([[person(*IN, track=1)]] * 30 + [[]] * 10 + [[person(0.51, 0.5, track=9)]] * 30)) == 1


def test_a_known_person_who_comes_back_within_a_minute_is_the_same_incident():
    stay = [[person(*IN, identity="known", who=ADA)]] * 20
    away = [[person(*OUT, identity="known", who=ADA)]] * 50
    later = [[person(*IN, track=7, identity="known", who=ADA)]] * 20
    assert len(run(stay + away + later)) == 1


def test_known_people_are_named_with_their_part():
    found = run([[person(*IN, identity="known", who=ADA)]] * 15)
    assert [(p.person, p.part) for p in found[0][1].people] == [(ADA, "involved")]
    hazard = YARD.model_copy(update={"hazard": True})
    assert run([[person(*IN, identity="known", who=ADA)]] * 15, zone=hazard)[0][1].people[0].part == "victim"


def test_while_the_vote_is_open_the_incident_waits_for_the_name_but_not_for_ever():
    late = [[person(*IN, identity="open")]] * 15 + [[person(*IN, identity="known", who=ADA)]] * 10
    found = run(late)
    assert found[0][0] == 15 and found[0][1].people[0].person == ADA
    assert [number for number, _ in run([[person(*IN, identity="open")]] * 60)] == [25]


def test_a_review_is_not_a_name():
    assert run([[person(*IN, identity="review", who=ADA)]] * 15)[0][1].people == ()


def test_those_who_may_be_there_are_no_intruders():
    zone = YARD.model_copy(update={"allowed": (ADA,)})
    assert run([[person(*IN, identity="known", who=ADA)]] * 50, zone=zone) == []
    assert len(run([[person(*IN)]] * 50, zone=zone)) == 1


def test_repeated_and_older_frames_change_nothing():
    rule = Intrusion(IntrusionSettings())
    scene = Scene(100.0, START, (person(*IN),), (YARD,))
    assert [rule.step(scene) for _ in range(50)] == [[]] * 50
    assert rule.step(scene._replace(at=50.0)) == []


def test_an_open_zone_finds_nothing():
    assert run([[person(*IN)]] * 50, zone=YARD.model_copy(update={"closed": ()})) == []


@given(st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 3)), max_size=4), max_size=60))
def test_no_track_is_reported_without_a_second_inside(frames):
    people = [[person(x, y, track=t) for x, y, t in {p[2]: p for p in frame}.values()] for frame in frames]
    for number, _finding in run(people):
        assert number >= 10
