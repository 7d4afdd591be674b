"""Who is told: the plan, made twice, is one plan."""

from hypothesis import given
from hypothesis import strategies as st

from contract.delivery import SiteContacts, plan_deliveries
from contract.digests import BUCKETS, digest_of_all, profile_digests
from contract.ids import derived_id, new_id
from contract.profile import Contact, Profile

AT = "2026-11-23T20:00:00.000Z"
SITE = SiteContacts(security=(Contact(channel="sms", address="+4915100000001"),),
                    police=(Contact(channel="email", address="desk@police.example"),))


def person(name, friends=(), contacts=()):
    return Profile(id=derived_id(name), name=name, friends=tuple(derived_id(f) for f in friends), contacts=contacts)


EVE = person("eve", contacts=(Contact(channel="sms", address="+4915100000002"),
                              Contact(channel="email", address="eve@example.org")))
ADA = person("ada", friends=("eve",), contacts=(Contact(channel="push", address="device-token-ada"),))
BOB = person("bob", friends=("eve", "gone"))
PEOPLE = {p.id: p for p in (ADA, BOB, EVE)}


def plan(users, audience, subject="s", site=SITE):
    return plan_deliveries(derived_id(subject), [u.id for u in users], audience, site, PEOPLE.get, AT)


def test_friends_and_security_of_a_victim():
    told = plan([ADA], ("friends", "security"))
    assert {(d.recipient, d.channel) for d in told} == {
        (EVE.id, "sms"), (EVE.id, "email"), ("security", "sms")}
    assert all(d.state == "pending" for d in told)


def test_a_friend_of_two_victims_is_told_once_and_a_missing_friend_stops_nobody():
    assert len(plan([ADA, BOB], ("friends",))) == 2


def test_planning_twice_gives_the_same_ids_and_another_subject_gives_others():
    first, again, other = (plan([ADA], ("friends", "police"), s) for s in ("s", "s", "t"))
    assert [d.id for d in first] == [d.id for d in again]
    assert not {d.id for d in first} & {d.id for d in other}


def test_nobody_to_tell_is_an_empty_plan_that_the_caller_must_not_hide():
    assert plan([EVE], ("friends",)) == []
    assert plan([ADA], ("security",), site=SiteContacts()) == []


@given(st.permutations([ADA, BOB, EVE]))
def test_the_digest_does_not_depend_on_order(people):
    assert digest_of_all(people) == digest_of_all([ADA, BOB, EVE])
    assert len(profile_digests(people)) == BUCKETS


def test_the_digest_shows_any_difference_and_where():
    changed = ADA.model_copy(update={"name": "Ada L."})
    before, after = profile_digests([ADA, BOB]), profile_digests([changed, BOB])
    assert [i for i in range(BUCKETS) if before[i] != after[i]] == [int(ADA.id[-2:], 16)]
    assert digest_of_all([ADA]) != digest_of_all([ADA, person(new_id())])
