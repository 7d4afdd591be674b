"""The policy: what follows from a record, for any site."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.chain import RecordType
from contract.errors import Rejected
from contract.incident import SEVERITIES, Severity
from contract.policy import (
    OWN,
    POLICE,
    PoliceRule,
    Policy,
    Step,
    channels_shown_to,
    decide,
    is_police,
    telling_severities,
    urgency,
)

NAMES = (POLICE, "rail-police", "city-police")
RULES = st.builds(PoliceRule, organisation=st.sampled_from(NAMES), from_severity=st.sampled_from(["high", "critical"]),
                  word_for=st.sampled_from(["nothing", "details", "everything"]))
AGAIN = st.lists(st.builds(Step, after_minutes=st.integers(1, 60),
                           audience=st.lists(st.sampled_from((*OWN, *NAMES)), max_size=4).map(tuple)),
                 max_size=3, unique_by=lambda step: step.after_minutes).map(
                     lambda steps: tuple(sorted(steps, key=lambda step: step.after_minutes)))
POLICIES = st.builds(Policy, police=st.lists(RULES, max_size=3, unique_by=lambda r: r.organisation).map(tuple),
                     again=AGAIN)
TYPES = st.sampled_from(get_args(RecordType))


@pytest.mark.parametrize(("severity", "told", "channels"), [
    ("low", (), ("general",)), ("medium", (), ("general",)),
    ("high", ("friends", "security", POLICE), ("general", POLICE)),
    ("critical", ("friends", "security", POLICE), ("general", POLICE))])
def test_a_site_that_says_nothing(severity: Severity, told: tuple[str, ...], channels: tuple[str, ...]) -> None:
    decision = decide("incident", severity, Policy())
    assert (decision.audience, decision.channels, decision.released, decision.awaited) == (told, channels, (), ())
    assert decision.at_once == (len(channels) == 2)


@pytest.mark.parametrize(("word_for", "told", "released", "awaited"), [
    ("nothing", True, True, False), ("details", True, False, False), ("everything", False, False, True)])
def test_what_waits_for_a_persons_word(word_for, told: bool, released: bool, awaited: bool) -> None:
    decision = decide("incident", "critical", Policy(police=(PoliceRule(word_for=word_for),)))
    assert (POLICE in decision.audience) == (POLICE in decision.channels) == told
    assert (POLICE in decision.released, POLICE in decision.awaited) == (released, awaited)
    assert decision.at_once and {"friends", "security"} <= set(decision.audience)


def test_log_records_and_actions() -> None:
    log = decide("log", "critical", Policy())
    assert (log.audience, log.channels) == ((POLICE,), ("general", POLICE))
    action = decide("action", "critical", Policy())
    assert (action.audience, action.channels, action.at_once) == ((), ("general",), False)


@given(TYPES, POLICIES)
def test_what_is_worse_is_never_told_to_fewer_nor_put_on_fewer_ledgers(record_type: RecordType, policy: Policy) -> None:
    decisions = [decide(record_type, severity, policy) for severity in SEVERITIES]
    for milder, worse in pairwise(decisions):
        for of in ("audience", "channels", "released", "awaited", "concerned"):
            assert set(getattr(milder, of)) <= set(getattr(worse, of))
        assert milder.at_once <= worse.at_once and len(milder.steps) <= len(worse.steps)


@given(TYPES, st.sampled_from(SEVERITIES), POLICIES)
def test_channel_alert_and_release_say_the_same_of_each_organisation(
        record_type: RecordType, severity: Severity, policy: Policy) -> None:
    decision = decide(record_type, severity, policy)
    on_channel = set(decision.channels) - {"general"}
    assert on_channel == {a for a in decision.audience if is_police(a)}
    assert set(decision.released) <= on_channel and not on_channel & set(decision.awaited)
    assert set(decision.concerned) == on_channel | set(decision.awaited) <= set(policy.organisations)
    assert set(decision.channels) <= set(policy.channels)
    for step in decision.steps:
        assert not {*step.audience} & {*decision.awaited}, "nobody hears by a later step what waits for a person's word"
        assert {a for a in step.audience if is_police(a)} <= on_channel


@given(st.sampled_from(SEVERITIES), POLICIES)
def test_the_severities_that_tell_are_those_that_tell(severity: Severity, policy: Policy) -> None:
    tells = "security" in decide("incident", severity, policy).audience
    assert tells == (severity in telling_severities()) == (urgency(severity) != "in turn")


def test_later_steps_are_the_sites_own_and_come_in_order() -> None:
    again = (Step(after_minutes=10, audience=("security", POLICE)), Step(after_minutes=30, audience=("users",)))
    policy = Policy(again=again)
    assert decide("incident", "high", policy).steps[1:] == again
    assert len(decide("incident", "medium", policy).steps) == len(decide("log", "high", policy).steps) == 1
    with pytest.raises(ValueError, match="after the one before"):
        Policy(again=again[::-1])


def test_an_account_reads_for_one_organisation() -> None:
    rail = PoliceRule(organisation="rail-police", accounts=("rail-process",))
    assert Policy().reads_for("anybody") == POLICE
    two = Policy(police=(PoliceRule(accounts=("desk",)), rail))
    assert [two.reads_for(name) for name in ("desk", "rail-process", "anybody")] == [POLICE, "rail-police", None]
    assert channels_shown_to(two.reads_for("rail-process")) == ("general", "rail-police")
    assert channels_shown_to(None) == ("general",)
    with pytest.raises(ValueError, match="account desk is named twice"):
        Policy(police=(PoliceRule(accounts=("desk",)), PoliceRule(organisation="rail-police", accounts=("desk",))))


@pytest.mark.parametrize("name", [*OWN, "general", "nobody"])
def test_names_that_mean_something_else_are_no_organisations(name: str) -> None:
    with pytest.raises(ValueError, match="can be called"):
        PoliceRule(organisation=name)


def test_only_who_is_there_can_be_told() -> None:
    Policy().check_audience((*OWN, POLICE))
    with pytest.raises(Rejected, match="press cannot be told; there are users, friends, security, police"):
        Policy().check_audience(("friends", "press"))
