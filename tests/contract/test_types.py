"""Illegal values cannot be built, and the error says what was wrong."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.errors import Rejected
from contract.ids import derived_id, new_id
from contract.incident import Action, Incident, state_after
from contract.messages import (
    MAX_MESSAGE,
    Changes,
    ErasureDone,
    Pull,
    Receipt,
    Status,
    Up,
    check_up,
    decode,
    encode,
    make_up,
)
from contract.moments import from_text
from contract.observation import Observation, vector_from_text, vector_to_text
from contract.profile import Consent, Contact, Profile, ProfileChange, Template, apply_change
from contract.zone import Zone

NOW = "2026-11-23T20:00:00.000Z"
CONSENT = Consent(given_by="A. Guardian", text_sha256="ab" * 32, at=NOW)


def template():
    return Template(id=new_id(), pack="open-1", vector=vector_to_text(np.ones(128)), quality=0.9, made_at=NOW)


def test_ids_sort_by_time_and_are_uuid_7():
    ids = [new_id(milliseconds=1000 * i) for i in range(50)]
    assert ids == sorted(ids)
    assert all(i[14] == "7" and i[19] in "89ab" for i in ids)
    assert derived_id("a", "bc") != derived_id("ab", "c")


@pytest.mark.parametrize(("given_text", "stored"), [
    ("2026-11-23T20:00:00Z", "2026-11-23T20:00:00.000Z"),
    ("2026-11-23T21:00:00.1239+01:00", "2026-11-23T20:00:00.123Z"),
])
def test_times_have_one_spelling(given_text, stored):
    assert Pull(cursor=0) and Status.model_fields
    action = Action(id=new_id(), incident=new_id(), verb="note", by="x", at=given_text)
    assert action.at == stored and from_text(action.at).tzinfo is not None


@pytest.mark.parametrize("text", ["2026-11-23T20:00:00", "2026-11-23", "yesterday", "", 5, None,
                                  "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_without_zone_or_sense_is_refused(text):
    with pytest.raises(ValidationError):
        Action(id=new_id(), incident=new_id(), verb="note", by="x", at=text)


@pytest.mark.parametrize(("channel", "address"), [
    ("sms", "0151 2345"), ("sms", "+0123456789"), ("push", "short"), ("push", "with space in token"),
    ("email", "nobody"), ("email", "a@b@c"), ("fax", "+4915112345678"), ("email", "x@y.org\nBcc: z@y.org"),
    ("sms", "+4915112345678\n"),
])
def test_contacts_are_checked_per_channel(channel, address):
    with pytest.raises(ValidationError):
        Contact(channel=channel, address=address)


def test_templates_need_consent_and_nobody_is_their_own_friend():
    with pytest.raises(ValidationError, match="consent"):
        Profile(id=new_id(), name="Ada", templates=(template(),))
    me = new_id()
    with pytest.raises(ValidationError, match="own friend"):
        Profile(id=me, name="Ada", friends=(me,))
    with pytest.raises(ValidationError, match="guardian"):
        Consent(given_by="A", basis="guardian-consent", text_sha256="ab" * 32, at=NOW)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=8))
def test_friend_changes_act_like_sets(steps):
    ids = [derived_id(str(i)) for i in range(5)]
    profile, wanted = Profile(id=new_id(), name="Ada"), set()
    for add, which in steps:
        change = ProfileChange(add_friends=(ids[which],)) if add else ProfileChange(remove_friends=(ids[which],))
        profile = apply_change(profile, change)
        wanted = wanted | {ids[which]} if add else wanted - {ids[which]}
    assert set(profile.friends) == wanted
    assert profile.revision == 1 + len(steps)


def test_the_same_template_twice_is_one():
    one = template()
    profile = Profile(id=new_id(), name="Ada", consent=CONSENT, templates=(one,))
    assert apply_change(profile, ProfileChange(add_templates=(one,))).templates == (one,)
    assert apply_change(profile, ProfileChange(remove_templates=(one.id,))).templates == ()


@pytest.mark.parametrize("text", ["", "AAA", "AAAA", "!!!!", vector_to_text(np.array([np.nan]))])
def test_vectors_are_whole_finite_floats(text):
    with pytest.raises(ValueError):
        vector_from_text(text)


@given(st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=200))
def test_vectors_survive_as_text(values):
    array = np.array(values, "<f4")
    assert (vector_from_text(vector_to_text(array)) == array).all()


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (0, 0, float("nan"), 1)])
def test_boxes_have_a_size(box):
    with pytest.raises(ValidationError):
        Observation(camera="gate", frame=1, at=NOW, width=640, height=480,
                    tracks=[{"id": 1, "source": "body", "box": box, "score": 0.5, "age": 0}])


def test_unknown_fields_and_values_are_refused():
    good = {"id": new_id(), "device": "box-1", "sequence": 1, "kind": "fall", "severity": "high", "at": NOW,
            "location": "Gym"}
    assert Incident(**good)
    for wrong in ({"kind": "party"}, {"severity": "extreme"}, {"sequence": 0}, {"device": "up/#"}, {"extra": 1},
                  {"location": ""}, {"location": "a\x00b"}, {"at": "2026-11-23T20:00:00"}):
        with pytest.raises(ValidationError):
            Incident(**{**good, **wrong})


@pytest.mark.parametrize(("verbs", "state"), [
    ([], "open"), (["note"], "open"), (["acknowledge"], "acknowledged"), (["assign"], "acknowledged"),
    (["resolve", "acknowledge"], "resolved"),
])
def test_the_state_follows_from_the_actions_in_any_order(verbs, state):
    actions = [Action(id=new_id(), incident=new_id(), verb=v, by="x", at=NOW) for v in verbs]
    assert state_after(actions) == state_after(actions[::-1]) == state


@pytest.mark.parametrize("zone", [
    {"polygon": [[0, 0], [1, 1]]}, {"polygon": [[0, 0], [1, 1], [2, 0]]}, {"closed": [{"days": "someday"}]},
    {"closed": [{"hours": "9-5"}]}, {"closed": [{"hours": "24:30-06:00"}]}, {"name": "Zone A"},
])
def test_zones_are_checked(zone):
    with pytest.raises(ValidationError):
        Zone(**{"name": "yard", "polygon": [[0, 0], [1, 0], [1, 1]], **zone})


def test_wire_messages_survive_and_name_what_does_not_fit():
    message = make_up("box-1", new_id(), NOW, ErasureDone(profile_id=new_id()))
    assert decode(Up, encode(message)) == message
    check_up(message)
    with pytest.raises(Rejected, match="hash is not"):
        check_up(message.model_copy(update={"hash": "0" * 64}))
    with pytest.raises(Rejected, match="v: Input should be 1"):
        decode(Up, encode(message).replace(b'"v":1', b'"v":2'))
    with pytest.raises(Rejected, match="over the limit"):
        decode(Receipt, b" " * (MAX_MESSAGE + 1))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_rejected(data):
    for kind in (Up, Receipt, Pull, Changes, Status):
        with contextlib.suppress(Rejected):
            decode(kind, data)
