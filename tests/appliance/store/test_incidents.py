"""Incidents, actions and logs: one transaction, one chain, repeats harmless."""

import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.store.limits import UPKEEP
from appliance.store.store import open_store
from contract.chain import check_chain, commitment, public_key_text
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.events import Event
from contract.ids import new_id
from contract.incident import Action, Incident, IncidentDraft, IncidentFilter, Involved
from contract.messages import Up, decode

FALL = IncidentDraft("fall", "high", "2026-11-23T20:00:00.000Z", "Hall")


def log(store, **other):
    return store.logs.record(**{"at": FALL.at, "location": "Gate", "kind": "manual", "severity": "low",
                                "description": "", "by": "guard", **other})


def test_an_incident_its_entry_and_its_message_belong_together(store):
    view, new = store.incidents.record(FALL, by="rule")
    [parcel] = store.outbox.due(10)
    body = decode(Up, parcel.data).body
    assert new and (body.incident, body.entry) == (view.incident, view.ledger.entry)
    assert commitment(view.incident, body.salt) == body.entry.entry.commitment
    assert (view.state, view.ledger.status, view.incident.sequence) == ("open", "recorded", 1)


def test_nothing_is_kept_when_a_part_fails(store, monkeypatch):
    seen = []
    store.subscribe(seen.append)
    monkeypatch.setattr(store.outbox, "put", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.incidents.record(FALL, by="rule", key="k")
    monkeypatch.undo()
    assert store.counts()["incidents"] == 0 and store.chain.page(0, 10) == [] and seen == []
    assert store.incidents.record(FALL, by="rule", key="k")[1]


def test_a_key_gives_the_first_result_and_refuses_another_content(store, reopen):
    first, new = store.incidents.record(FALL, by="a", key="k")
    store = reopen()
    again, repeated = store.incidents.record(FALL, by="a", key="k")
    assert (new, repeated) == (True, False) and again.incident == first.incident
    with pytest.raises(Conflict, match="another content"):
        store.incidents.record(FALL._replace(location="Yard"), by="a", key="k")
    assert store.counts()["incidents"] == 1
    assert [log(store, key="k")[1], log(store, key="k")[1]] == [True, False]
    with pytest.raises(Conflict):
        log(store, key="k", description="other")


def test_unknown_people_files_and_values_are_refused_in_words(store):
    stranger = Involved(person=new_id(), part="victim", confidence=1)
    with pytest.raises(Rejected, match="not enrolled"):
        store.incidents.record(FALL._replace(people=(stranger,)), by="rule")
    with pytest.raises(Rejected, match="location"):
        store.incidents.record(FALL._replace(location=""), by="rule")
    evidence = store.files.put(b"x", "image/jpeg")
    with pytest.raises(Rejected, match="there is no image/jpeg file"):
        store.incidents.record(FALL._replace(evidence=(evidence.model_copy(update={"size": 2}),)), by="rule")
    assert store.counts()["incidents"] == 0


def test_actions_move_the_state_and_resolved_is_the_end(store):
    incident = store.incidents.record(FALL, by="rule")[0].incident
    assert store.incidents.act(incident.id, "note", by="g", note="looking").state == "open"
    view = store.incidents.act(incident.id, "assign", by="g", assignee="kim")
    assert (view.state, view.assignee) == ("acknowledged", "kim")
    assert store.incidents.act(incident.id, "resolve", by="g").state == "resolved"
    with pytest.raises(Conflict, match="is resolved"):
        store.incidents.act(incident.id, "acknowledge", by="g")
    assert len(store.incidents.act(incident.id, "note", by="g", note="after").actions) == 4
    with pytest.raises(Rejected, match="assignee"):
        store.incidents.act(store.incidents.record(FALL, by="r")[0].incident.id, "assign", by="g")
    with pytest.raises(Rejected, match="verb"):
        store.incidents.act(incident.id, "delete", by="g")
    with pytest.raises(NotFound):
        store.incidents.act(new_id(), "note", by="g")


def test_an_action_waits_for_its_incident_and_is_a_record_of_its_own(store):
    incident = store.incidents.record(FALL, by="rule")[0].incident
    store.incidents.act(incident.id, "acknowledge", by="g")
    assert [decode(Up, p.data).body.type for p in store.outbox.due(10)] == ["incident"]
    assert [s.entry.record_type for s in store.chain.page(0, 10)] == ["incident", "action"]


def test_the_chain_fits_and_a_changed_row_is_found(store, clock):
    for number in range(7):
        log(store, description=str(number))
        clock.now -= 3600  # a clock set back does not break the chain
    store.incidents.act(store.incidents.record(FALL, by="r")[0].incident.id, "note", by="g", note="n")
    assert store.chain.check() == 9
    with store._connection._lock:
        store._connection._writer.execute(
            "UPDATE entries SET signed = replace(signed, '\"sequence\":4', '\"sequence\":5') WHERE sequence = 4")
    with pytest.raises(Rejected, match="entry 4 is missing"):
        store.chain.check()


def test_pages_are_newest_first_and_complete(store):
    ids = [store.incidents.record(FALL._replace(at=f"2026-11-23T20:00:{n % 10:02}Z"), by="r")[0].incident.id
           for n in range(25)]
    seen, cursor = [], None
    while True:
        views, cursor = store.incidents.page(IncidentFilter(), cursor, 10)
        seen += [(view.incident.at, view.incident.id) for view in views]
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True) and {i for _, i in seen} == set(ids)


@pytest.mark.parametrize("cursor", ["x", "===", "eyJhIjoxfQ==", "WyJhIiwiYiJd", "é", "W10="])
def test_a_cursor_that_is_not_ours_is_refused(store, cursor):
    with pytest.raises(Rejected, match="cursor"):
        store.incidents.page(IncidentFilter(), cursor, 10)


def test_filters(store, person):
    ann = store.profiles.create(person("Ann"), by="a")
    people = (Involved(person=ann.id, part="victim", confidence=0.9),)
    one = store.incidents.record(FALL._replace(people=people, camera="gate"), by="r")[0].incident
    two = store.incidents.record(FALL._replace(kind="violence", severity="low", at="2026-11-24T00:00:00Z"),
                                 by="r")[0].incident
    store.incidents.act(two.id, "resolve", by="g")

    def found(**wanted):
        return [view.incident.id for view in store.incidents.page(IncidentFilter(**wanted), None, 10)[0]]

    assert found(person=ann.id) == found(camera="gate") == found(kind="fall") == found(state="open") == [one.id]
    assert found(severity="low") == found(state="resolved") == found(since="2026-11-24T00:00:00Z") == [two.id]
    assert found(until="2026-11-24T00:00:00Z") == found(until="2026-11-24T01:00:00+01:00") == [one.id]
    assert found(person=new_id()) == []
    with pytest.raises(Rejected):
        found(since="yesterday")


def test_names_are_those_of_people_still_enrolled(store, person):
    ann = store.profiles.create(person("Ann"), by="a")
    people = (Involved(person=ann.id, part="victim", confidence=0.9),)
    view = store.incidents.record(FALL._replace(people=people), by="r")[0]
    assert view.names == {ann.id: "Ann"}
    store.profiles.erase(ann.id, by="a")
    assert store.incidents.get(view.incident.id).names == {}


def test_an_action_of_the_cloud_twice_is_once(store):
    incident = store.incidents.record(FALL, by="rule")[0].incident
    action = Action(id=new_id(), incident=incident.id, verb="acknowledge", by="link", at=FALL.at)
    for _ in range(2):
        with store._connection.write(UPKEEP) as write:
            store.incidents.take(write, action)
    assert store.incidents.get(incident.id).actions == (action,)


def test_many_threads_make_one_chain(store):
    def work():
        for _ in range(15):
            store.incidents.record(FALL, by="rule")
            store.incidents.page(IncidentFilter(), None, 5)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.chain.check() == 90 == store.counts()["incidents"]


def test_listeners_hear_commits_and_a_failing_one_harms_nobody(store):
    heard = []
    store.subscribe(lambda _event: 1 / 0)
    end = store.subscribe(heard.append)
    incident = store.incidents.record(FALL, by="rule")[0].incident
    assert Event("incident", incident.id) in heard
    end()
    heard.clear()
    store.incidents.record(FALL, by="rule")
    assert heard == []


def test_a_memory_belongs_to_its_box_and_key(store, reopen, tmp_path):
    log(store)
    assert check_chain(store.chain.page(0, 10), public_key_text(store.chain._key)) == 1
    with pytest.raises(Unavailable, match="another process"):
        open_store(tmp_path / "home", box="box-a", key=store.chain._key)
    with pytest.raises(Conflict, match="belongs to box 'box-a'"):
        reopen(box="box-b")
    with pytest.raises(Conflict):
        reopen(key=Ed25519PrivateKey.generate())


def test_reading_only_sees_all_and_writes_nothing(store, tmp_path):
    incident: Incident = store.incidents.record(FALL, by="r")[0].incident
    reader = open_store(tmp_path / "home", box="box-a", key=store.chain._key, read_only=True)
    assert reader.incidents.get(incident.id).incident == incident
    with pytest.raises(Unavailable, match="reading only"):
        log(reader)
    reader.close()
