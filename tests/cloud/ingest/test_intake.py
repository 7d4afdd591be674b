import base64
import hashlib
import json
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func
from sqlmodel import select

from cloud.database import boxes
from cloud.database.down import feed
from cloud.database.ledger import standing
from cloud.database.people.profiles import ProfileTable
from cloud.database.records import evidence, received, records
from cloud.database.tables.ledger import LedgerJobRow
from cloud.database.tables.records import EntryRow, IncidentRow, QuarantineRow, ReceivedRow
from cloud.database.tables.telling import DeliveryRow
from cloud.database.telling import deliveries
from contract.chain import new_salt
from contract.errors import NotFound
from contract.ids import new_id
from contract.messages import CHUNK, MAX_MESSAGE, ErasureDone, EvidenceChunk, encode, make_up
from contract.moments import now
from tests.support.cloud_box import SimulatedBox, person


def count(database, table) -> int:
    with database.read() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def quarantined(database) -> list[QuarantineRow]:
    with database.read() as session:
        return received.quarantined(session, 50)


def test_an_incident_is_one_row_of_each_kind_however_often_it_comes(database, box, send):
    friend = ProfileTable(database).create(person("Friend", 1), "admin")
    victim = ProfileTable(database).create(person("Victim", friends=(friend.id,)), "admin")
    message = box.incident("critical", (victim.id,))
    first = send(message)
    assert (first.result, first.receipt.result) == ("committed", "committed")
    for _ in range(3):
        again = send(message)
        assert again.receipt == first.receipt
        assert again.result == "duplicate"
    for table in (IncidentRow, EntryRow, DeliveryRow, ReceivedRow):
        assert count(database, table) == 1, table
    assert count(database, LedgerJobRow) == 2, "one for each channel"
    with database.read() as session:
        view = records.incident_view(session, message.body.incident.id)
    assert (view.ledger.status, view.names) == ("recorded", {victim.id: "Victim"})


def test_reordered_and_duplicated_messages_end_the_same(database, box, send):
    bob = person("Bob")
    incident = box.incident()
    messages = [
        incident,
        box.action(incident.body.incident.id),
        box.action(incident.body.incident.id, "resolve"),
        box.log(),
        box.created(bob),
        box.changed(bob.id, name="Bobby"),
    ]
    shuffled = messages * 3
    random.Random(7).shuffle(shuffled)
    assert {send(message).receipt.result for message in shuffled} == {"committed"}
    with database.read() as session:
        view = records.incident_view(session, incident.body.incident.id)
        assert standing.counts(session) == {"recorded": 4}
    assert (view.state, len(view.actions)) == ("resolved", 2)
    assert ProfileTable(database).get(bob.id).name == "Bobby"
    assert quarantined(database) == []


def test_the_same_id_with_other_content_is_quarantined_and_the_first_stays(database, box, send):
    first = box.incident()
    send(first)
    other = make_up(box.name, first.id, now(), box.incident().body)
    for _ in range(2):
        taken = send(other)
        assert (taken.receipt.result, taken.receipt.hash) == ("quarantined", other.hash)
        assert "other content" in taken.receipt.reason
    assert [row.message_id for row in quarantined(database)] == [first.id]
    assert send(first).receipt.result == "committed"
    assert count(database, IncidentRow) == 1


def forged(box: SimulatedBox, kind: str):
    """A message that is well-formed and wrong in one way."""
    if kind == "signature":
        return SimulatedBox(box.name).incident(), "not signed"
    message = box.incident()
    body = message.body
    if kind == "record":
        body = body.model_copy(update={"incident": body.incident.model_copy(update={"severity": "low"})})
        return make_up(box.name, new_id(), now(), body), "not the one that its chain entry commits to"
    if kind == "salt":
        return make_up(box.name, new_id(), now(), body.model_copy(update={"salt": new_salt()})), "commits to"
    if kind == "entry":
        return make_up(
            box.name, new_id(), now(), body.model_copy(update={"entry": box.incident().body.entry})
        ), "about"
    other = SimulatedBox("other")
    other.key = box.key
    return make_up(box.name, new_id(), now(), other.incident().body), "of other, and gate-1 sent it"


@pytest.mark.parametrize("kind", ["signature", "record", "salt", "entry", "device"])
def test_forged_records_are_quarantined_without_effect(database, box, send, kind):
    message, said = forged(box, kind)
    taken = send(message)
    assert taken.receipt.result == "quarantined"
    assert said in taken.receipt.reason
    for table in (IncidentRow, EntryRow, LedgerJobRow, DeliveryRow):
        assert count(database, table) == 0
    assert send(message).receipt == taken.receipt
    assert send(box.incident()).receipt.result == "committed"


def test_a_forked_chain_shows(database, box, send):
    clone = SimulatedBox(box.name)
    clone.key = box.key
    send(box.incident())
    taken = send(clone.incident())
    assert taken.receipt.result == "quarantined"
    assert "forked" in taken.receipt.reason


def test_a_box_cannot_speak_for_another(database, box, send):
    other = SimulatedBox("gate-2").register(database)
    assert send(other.incident(), "gate-1").receipt is None
    incident = box.incident()
    send(incident)
    taken = send(other.action(incident.body.incident.id, "resolve"), "gate-2")
    assert taken.receipt.result == "quarantined"
    with database.read() as session:
        assert records.incident_view(session, incident.body.incident.id).state == "open"


@pytest.mark.parametrize("state", ["revoked", "pending", None])
def test_a_box_that_is_not_active_has_no_effect_and_no_receipt(database, send, state):
    box = SimulatedBox("gate-1")
    if state:
        box.register(database, state)
    for message in (box.incident(), b"garbage"):
        assert send(message) == (None, "refused")
    assert count(database, ReceivedRow) == count(database, IncidentRow) == count(database, QuarantineRow) == 0


def test_revoking_works_at_once(database, box, send):
    assert send(box.incident()).result == "committed"
    with database.write() as session:
        boxes.revoke(session, box.name, "admin")
    assert send(box.incident()).result == "refused"


def altered(message, **fields) -> bytes:
    return json.dumps({**json.loads(encode(message)), **fields}).encode()


@pytest.mark.parametrize(
    ("payload", "said", "answered"),
    [
        (lambda box: altered(box.incident(), hash="0" * 64), "hash is not the body's", True),
        (lambda box: altered(box.incident(), extra=1), "extra", True),
        (lambda box: altered(box.incident(), body={"type": "unheard-of"}), "unheard-of", True),
        (lambda box: altered(box.incident(), v=2), "v:", False),
        (lambda box: altered(box.incident(), id="1"), "id:", False),
        (lambda box: altered(box.incident(), box="gate-2"), "gate-2", False),
        (lambda box: b" " * (MAX_MESSAGE + 1), "over the limit", False),
        (lambda box: b"\xff\xfe", "not a Up message", False),
        (lambda box: b"", "not a Up message", False),
        (lambda box: b"[" * 100_000, "not a Up message", False),
        (lambda box: b'{"v":1e999}', "not a Up message", False),
    ],
    ids=[
        "hash",
        "extra",
        "type",
        "version",
        "id",
        "box",
        "oversize",
        "not-utf8",
        "empty",
        "deep",
        "infinite",
    ],
)
def test_what_is_not_ours_is_noted_and_stops_nothing(database, box, send, payload, said, answered):
    data = payload(box)
    for _ in range(2):
        taken = send(data)
        assert (taken.result, taken.receipt is not None) == ("unreadable", answered)
    rows = quarantined(database)
    assert len(rows) == 1
    assert said in rows[0].reason
    assert rows[0].content == ""
    assert send(box.incident()).result == "committed"


def test_text_that_postgresql_cannot_hold_is_harmless(database, box, send):
    taken = send(box.created(person()).model_copy())
    assert taken.result == "committed"
    nul = box.erased(new_id())
    body = nul.body.model_copy(update={"by": "a\x00b"})
    assert send(make_up(box.name, new_id(), now(), body)).receipt is not None


VALID = {"incident": SimulatedBox().incident(), "profile": SimulatedBox().created(person("Eve", 5))}


KEYS = st.sampled_from(["v", "id", "box", "hash", "body", "type"])


def flipped(choice: tuple[str, int, int]) -> bytes:
    kind, place, value = choice
    data = bytearray(encode(VALID[kind]))
    data[place % len(data)] ^= value or 1
    return bytes(data)


PAYLOADS = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.tuples(st.sampled_from(sorted(VALID)), st.integers(0, 900), st.integers(0, 255)).map(flipped),
)


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_stop_the_intake(database, send, data):
    with database.read() as session:
        known = boxes.active(session, "gate-1")
    if known is None:
        SimulatedBox().register(database)
    payload = data.draw(PAYLOADS)
    taken = send(payload)
    # The outer id and time are not part of what is hashed: with one of them changed it is a message like another.
    assert (
        taken.receipt is None
        or taken.receipt.result == "quarantined"
        or taken.receipt.hash in {message.hash for message in VALID.values()}
    )


def test_profiles_of_boxes_take_effect_and_refusals_send_the_clouds_word_again(database, box, send):
    ada = person("Ada")
    assert send(box.created(ada)).result == "committed"
    assert send(box.changed(ada.id, add_friends=(ada.id,))).receipt.result == "quarantined"
    with database.read() as session:
        newest = feed.changes_for(session, "gate-1", 1, 9).changes
    assert [change.body.profile.name for change in newest] == ["Ada"]
    assert quarantined(database)[0].content == ""
    assert send(box.erased(ada.id)).result == "committed"
    assert send(box.changed(ada.id, name="Zombie")).receipt.result == "quarantined"
    assert send(box.created(ada)).receipt.result == "quarantined"
    with pytest.raises(NotFound):
        ProfileTable(database).get(ada.id)


def test_an_erasure_is_confirmed_by_the_box(database, box, send):
    ada = ProfileTable(database).create(person(), "admin")
    done = box.up(ErasureDone(profile_id=ada.id))
    assert send(done) == (None, "deferred")
    assert count(database, ReceivedRow) == 0
    ProfileTable(database).erase(ada.id, "admin")
    assert send(done).result == "committed"
    assert ProfileTable(database).erasure(ada.id).boxes["gate-1"] is not None


def chunks(box: SimulatedBox, data: bytes, sha256: str | None = None) -> list:
    number = -(-len(data) // CHUNK)
    return [
        box.up(
            EvidenceChunk(
                sha256=sha256 or hashlib.sha256(data).hexdigest(),
                media_type="image/jpeg",
                size=len(data),
                index=i,
                count=number,
                data=base64.b64encode(data[i * CHUNK : (i + 1) * CHUNK]).decode(),
            )
        )
        for i in range(number)
    ]


@pytest.mark.parametrize("size", [1, CHUNK, CHUNK + 1, 3 * CHUNK - 1])
def test_a_file_is_put_together_in_any_order(database, box, send, setting, size):
    data = os.urandom(size)
    parts = chunks(box, data) * 2
    random.Random(size).shuffle(parts)
    assert {send(part).receipt.result for part in parts} == {"committed"}
    with database.read() as session:
        assert evidence.read(session, setting.files, hashlib.sha256(data).hexdigest()) == (data, "image/jpeg")


def test_a_file_with_another_hash_is_dropped_and_may_come_again(database, box, send, setting):
    data = os.urandom(CHUNK + 5)
    right = hashlib.sha256(data).hexdigest()
    wrong = chunks(box, os.urandom(CHUNK + 5), right)
    assert send(wrong[0]).receipt.result == "committed"
    assert "make another file" in send(wrong[1]).receipt.reason
    for part in chunks(box, data):
        assert send(part).receipt.result == "committed"
    with database.read() as session:
        assert evidence.read(session, setting.files, right)[0] == data


@pytest.mark.parametrize(
    "fields", [{"index": 1}, {"count": 2}, {"size": 7}, {"data": "!!!!"}, {"data": "QUJD"}]
)
def test_chunks_that_do_not_fit_are_refused(box, send, fields):
    chunk = chunks(box, b"12345678")[0].body
    assert send(box.up(chunk.model_copy(update=fields))).receipt.result == "quarantined"


def test_a_damaged_file_on_the_disk_is_not_handed_out(database, box, send, setting):
    data = b"evidence"
    send(chunks(box, data)[0])
    sha256 = hashlib.sha256(data).hexdigest()
    (setting.files / sha256[:2] / sha256).write_bytes(b"evidencE")
    with pytest.raises(NotFound, match="damaged"), database.read() as session:
        evidence.read(session, setting.files, sha256)


def test_a_notice_plans_its_deliveries(database, box, send):
    ada = ProfileTable(database).create(person("Ada", 1), "admin")
    bob = ProfileTable(database).create(person("Bob", friends=(ada.id,)), "admin")
    message = box.notice(bob.id)
    send(message)
    with database.read() as session:
        planned = deliveries.for_subject(session, message.body.notice.id)
    assert [(d.recipient, d.state) for d in planned] == [(ada.id, "pending")]
