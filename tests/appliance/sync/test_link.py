"""The cloud connection against a real Mosquitto."""

import base64
import json
from uuid import UUID

from contract.delivery import Delivery, SiteContacts
from contract.ids import new_id
from contract.incident import Action, IncidentDraft
from contract.messages import (
    ActionPut,
    DeliveryPut,
    Latest,
    ProfilePut,
    ProfileTombstone,
    Receipt,
    SitePut,
    encode,
)
from contract.moments import now
from contract.profile import Contact, Profile
from tests.support.broker import Authority

FALL = IncidentDraft("fall", "critical", "2026-11-23T20:00:00Z", "Hall")


def test_a_record_goes_up_and_its_receipt_is_noted(store, cloud, make_link, until):
    link = make_link()
    view, _ = store.incidents.record(FALL, by="rule")
    until(lambda: store.outbox.waiting() == 0)
    assert [up.body.incident for up in cloud.ups] == [view.incident]
    assert store.incidents.get(view.incident.id).ledger.committed_at is not None
    assert link.state()["connected"] and link.state()["waiting"] == 0


def test_what_was_recorded_while_offline_goes_up_newest_critical_first(store, cloud, make_link, until):
    small = FALL._replace(severity="low")
    ids = [store.incidents.record(draft, by="rule")[0].incident.id for draft in (small, FALL, small, FALL)]
    make_link()
    until(lambda: store.outbox.waiting() == 0)
    assert [up.body.incident.id for up in cloud.ups] == [ids[3], ids[1], ids[0], ids[2]]


def test_evidence_follows_its_incident_and_is_whole(store, cloud, make_link, until):
    data = bytes(range(256)) * 1000
    evidence = store.files.put(data, "image/jpeg")
    store.incidents.record(FALL._replace(evidence=(evidence,)), by="rule")
    make_link()
    until(lambda: store.outbox.waiting() == 0)
    kinds = [up.body.type for up in cloud.ups]
    assert kinds == ["incident", "evidence", "evidence", "evidence"]
    assert b"".join(base64.b64decode(up.body.data) for up in cloud.ups[1:]) == data


def test_everything_down_is_applied_and_the_cursor_moves(store, cloud, make_link, until):
    person, gone = Profile(id=new_id(), name="Ann"), Profile(id=new_id(), name="Bob")
    site = SiteContacts(security=(Contact(channel="email", address="desk@example.org"),))
    cloud.changes += [ProfilePut(profile=person), ProfilePut(profile=gone), SitePut(site=site),
                      ProfileTombstone(profile_id=gone.id)]
    make_link()
    until(lambda: store.feed.cursor() == 4)
    assert store.profiles.page("", 10) == [person]
    assert store.site() == site
    until(lambda: any(up.body.type == "erasure_done" and up.body.profile_id == gone.id for up in cloud.ups))
    until(lambda: store.profiles.erasure(gone.id).cloud_confirmed_at)


def test_latest_makes_the_box_pull_at_once(store, cloud, make_link, until):
    make_link()
    until(lambda: store.feed.synced_at())
    cloud.changes.append(ProfilePut(profile=Profile(id=new_id(), name="Ann")))
    cloud.send("latest", encode(Latest(revision=1, epoch=cloud.epoch)), retain=True)
    until(lambda: store.feed.cursor() == 1)


def test_more_changes_than_one_answer_holds(store, cloud, make_link, until):
    cloud.changes += [ProfilePut(profile=Profile(id=new_id(), name=f"P{n}")) for n in range(130)]
    make_link()
    until(lambda: store.feed.cursor() == 130)
    assert store.counts()["profiles"] == 130


def test_heartbeat_says_what_the_box_holds(store, cloud, make_link, until):
    make_link()
    until(lambda: cloud.statuses)
    status = cloud.statuses[0]
    assert (status.version, status.packs, status.cameras) == ("1.0", ("open-1",), {"gate": "live"})
    assert status.profiles_digest == store.profiles.digest()


def test_no_receipt_means_the_row_stays_and_goes_again_after_a_reconnect(store, cloud, broker, make_link, until):
    cloud.confirms = False
    make_link()
    store.incidents.record(FALL, by="rule")
    until(lambda: len(cloud.ups) == 1)
    assert store.outbox.waiting() == 1
    broker.stop(kill=True)
    broker.start()
    cloud.confirms = True
    until(lambda: store.outbox.waiting() == 0)
    assert len({up.id for up in cloud.ups}) == 1 and len({up.hash for up in cloud.ups}) == 1


def test_the_state_says_why_there_is_no_connection(store, broker, cloud, make_link, until):
    link = make_link()
    until(lambda: link.state()["connected"])
    broker.stop()
    until(lambda: "cannot be reached" in link.state()["reason"])
    assert not link.state()["connected"]


def test_a_wrong_authority_is_named(store, broker, make_link, until, tmp_path):
    (tmp_path / "other").mkdir()
    link = make_link(ca=Authority(tmp_path / "other").certificate)
    until(lambda: "is not this cloud's broker" in link.state()["reason"])


def test_a_box_cannot_speak_for_another(store, cloud, make_link, until):
    link = make_link(name="box-b")
    store.incidents.record(FALL, by="rule")
    until(lambda: link.state()["connected"])
    cloud.send("latest", b"{}")
    until(lambda: store.outbox.due(5) == [])
    assert cloud.ups == [] and link.dropped() == {}


def test_rubbish_is_counted_and_harms_nothing(store, cloud, make_link, until):
    link = make_link()
    until(lambda: store.feed.synced_at())
    for kind in ("receipt", "changes", "latest"):
        for data in (b"", b"\xff\xfe", b"[]", b"{}", b'{"v":2}', b"[" * 3000, b"x" * 600_000):
            cloud.send(kind, data)
    view, _ = store.incidents.record(FALL, by="rule")
    until(lambda: store.outbox.waiting() == 0)
    until(lambda: link.dropped().get("unreadable") == 18)
    assert link.state()["connected"] and cloud.ups[-1].body.incident == view.incident


def test_a_change_too_new_to_understand_does_not_hold_up_the_rest(store, cloud, make_link, until):
    link = make_link()
    until(lambda: store.feed.synced_at())
    good = ProfilePut(profile=Profile(id=new_id(), name="Ann")).model_dump(mode="json")
    cloud.answers = False
    cloud.send("changes", json.dumps({
        "v": 1, "epoch": cloud.epoch, "after": 0, "through": 2, "latest": 2,
        "changes": [{"revision": 1, "body": {"type": "hologram"}}, {"revision": 2, "body": good}]}).encode())
    until(lambda: store.feed.cursor() == 2)
    assert store.counts()["profiles"] == 1 and link.dropped()["not understood"] == 1


def test_a_quarantined_row_is_parked_and_the_others_go_on(store, cloud, make_link, until):
    first, _ = store.incidents.record(FALL, by="rule")

    def answer(up):
        bad = up.body.type == "incident" and up.body.incident == first.incident
        cloud.confirm(up, **({"result": "quarantined", "reason": "other content"} if bad else {}))

    cloud.answer = answer
    make_link()
    second, _ = store.incidents.record(FALL, by="rule")
    until(lambda: store.outbox.waiting() == 0)
    assert [row.subject for row in store.outbox.parked()] == [first.incident.id]
    assert store.incidents.get(first.incident.id).ledger.status == "parked"
    assert "other content" in store.incidents.get(first.incident.id).ledger.reason
    assert store.incidents.get(second.incident.id).ledger.status == "recorded"


def test_a_body_too_large_for_the_wire_is_parked(store, cloud, make_link, until, monkeypatch):
    with monkeypatch.context() as patch:
        # As if written by a program with another limit.
        patch.setattr("appliance.store.outbox.encode", lambda _up: b"")
        people = tuple(str(UUID(int=n)) for n in range(50))
        patch.setattr("appliance.store.notices._somebody", lambda _write, _notice: None)
        notice, _ = store.notices.create(users=people, audience=("security",), description="x", location="Hall", by="g")
    monkeypatch.setattr("contract.messages.MAX_MESSAGE", 2000)
    make_link()
    view, _ = store.incidents.record(FALL, by="rule")
    until(lambda: store.outbox.waiting() == 0)
    assert [(row.subject, "over the limit" in row.reason) for row in store.outbox.parked()] == [(notice.id, True)]
    assert [up.body.incident for up in cloud.ups] == [view.incident]


def test_a_restored_cloud_is_offered_everything_again(store, cloud, make_link, until):
    person = Profile(id=new_id(), name="Ann")
    cloud.changes.append(ProfilePut(profile=person))
    make_link()
    store.incidents.record(FALL, by="rule")
    until(lambda: store.outbox.waiting() == 0 and store.feed.cursor() == 1)
    cloud.epoch, before = new_id(), len(cloud.ups)
    cloud.send("latest", encode(Latest(revision=1, epoch=cloud.epoch)))
    until(lambda: len(cloud.ups) > before and store.outbox.waiting() == 0 and store.feed.cursor() == 1)
    assert cloud.ups[-1] == cloud.ups[0]
    assert store.profiles.page("", 10) == [person]


def test_a_receipt_of_an_earlier_epoch_or_for_another_hash_counts_for_nothing(store, cloud, make_link, until):
    cloud.confirms = False
    make_link()
    until(lambda: store.feed.synced_at())
    store.incidents.record(FALL, by="rule")
    until(lambda: cloud.ups)
    up = cloud.ups[0]
    cloud.send("receipt", encode(Receipt(id=up.id, hash=up.hash, epoch=new_id())))
    cloud.send("receipt", encode(Receipt(id=up.id, hash="0" * 64, epoch=cloud.epoch)))
    marker = store.feed.cursor()
    cloud.changes.append(SitePut(site=SiteContacts()))
    cloud.send("latest", encode(Latest(revision=1, epoch=cloud.epoch)))
    until(lambda: store.feed.cursor() > marker)
    assert store.outbox.waiting() == 1
    cloud.confirm(up)
    until(lambda: store.outbox.waiting() == 0)


def test_an_action_and_a_delivery_of_the_cloud_are_seen_on_the_box(store, cloud, make_link, until):
    view, _ = store.incidents.record(FALL, by="rule")
    make_link()
    action = Action(id=new_id(), incident=view.incident.id, verb="acknowledge", by="friend", at=now())
    delivery = Delivery(id=new_id(), subject=view.incident.id, recipient="security", audience="security",
                        channel="email", address="desk@example.org", state="delivered", updated_at=now())
    cloud.changes += [ActionPut(action=action), ActionPut(action=action), DeliveryPut(delivery=delivery)]
    cloud.send("latest", encode(Latest(revision=3, epoch=cloud.epoch)))
    until(lambda: store.feed.cursor() == 3)
    assert store.incidents.get(view.incident.id).state == "acknowledged"
    assert store.incidents.get(view.incident.id).actions == (action,)
    assert store.notices.get(view.incident.id).deliveries == (delivery,)


def test_stopping_ends_the_thread_and_says_so(store, cloud, make_link, until):
    link = make_link()
    until(lambda: link.state()["connected"])
    link.stop()
    assert link.state()["reason"] == "stopped" and link._thread is None
