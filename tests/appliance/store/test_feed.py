"""What comes down: from a cursor, repeats harmless, our own unconfirmed edits on top, the erased never back."""

import numpy as np

from contract.delivery import Delivery
from contract.ids import new_id
from contract.incident import IncidentDraft
from contract.ledger import Anchor
from contract.messages import AnchorPut, Change, Changes, DeliveryPut, ProfilePut, ProfileTombstone, Receipt, Up, decode
from contract.profile import ProfileChange, apply_change

EPOCH = "00000000-0000-7000-8000-000000000001"
FACE = np.ones(128, "<f4")


def give(store, *bodies, after=None, latest=None, epoch=EPOCH):
    after = store.feed.cursor() if after is None else after
    through = after + len(bodies)
    return store.feed.apply(Changes(
        epoch=epoch, after=after, through=through, latest=through if latest is None else latest,
        changes=tuple(Change(revision=after + n, body=body) for n, body in enumerate(bodies, 1))))


def take(store, kind=None):
    """Confirm what is due, and return the bodies."""
    bodies = []
    while parcels := store.outbox.due(50):
        ups = [decode(Up, parcel.data) for parcel in parcels]
        bodies += [up.body for up in ups if kind in (None, up.body.type)]
        store.outbox.receipts([Receipt(id=up.id, hash=up.hash, epoch=EPOCH) for up in ups])
    return bodies


def test_changes_apply_once_and_only_from_the_cursor(store, person):
    ann = person("Ann", FACE)
    assert give(store, ProfilePut(profile=ann)) == "applied"
    assert give(store, ProfilePut(profile=person("X")), after=0) == "stale"
    assert give(store, ProfilePut(profile=person("Y")), after=5) == "stale"
    assert store.feed.cursor() == 1 and store.profiles.page("", 9) == [ann]
    assert [near.profile_id for near in store.gallery.nearest(FACE, "open-1", 3)] == [ann.id]


def test_the_cloud_state_wins_when_nothing_of_ours_is_on_the_way(store, person):
    ann = store.profiles.create(person("Ann"), by="a")
    take(store)
    theirs = ann.model_copy(update={"name": "Anna", "revision": 9})
    give(store, ProfilePut(profile=theirs))
    assert store.profiles.get(ann.id) == theirs


def test_our_unconfirmed_edits_stay_on_top_and_the_cloud_has_the_last_word(store, person):
    ann, bob = person("Ann"), person("Bob")
    give(store, ProfilePut(profile=ann), ProfilePut(profile=bob))
    change = ProfileChange(name="Ours", add_friends=(bob.id,))
    store.profiles.change(ann.id, change, by="guard")
    theirs = ann.model_copy(update={"role": "staff", "revision": 2})
    give(store, ProfilePut(profile=theirs))
    seen = store.profiles.get(ann.id)
    assert (seen.name, seen.friends, seen.role, seen.revision) == ("Ours", (bob.id,), "staff", 2)
    # The cloud weighs both edits, publishes, and its state reaches us before the receipt does.
    final = apply_change(theirs, change).model_copy(update={"name": "Theirs"})
    give(store, ProfilePut(profile=final))
    assert store.profiles.get(ann.id).name == "Ours"
    assert [body.type for body in take(store)] == ["profile_changed"]
    give(store)
    assert store.profiles.get(ann.id) == final


def test_a_tombstone_removes_all_there_is_and_is_confirmed(store, person):
    ann = person("Ann", FACE)
    bob = person("Bob", friends=(ann.id,))
    give(store, ProfilePut(profile=ann), ProfilePut(profile=bob))
    store.profiles.change(ann.id, ProfileChange(name="Anna"), by="a")
    delivery = Delivery(id=new_id(), subject=new_id(), recipient=ann.id, audience="friends", channel="sms",
                        address="+491701234567", updated_at="2026-11-23T20:00:00Z")
    give(store, DeliveryPut(delivery=delivery))
    give(store, ProfileTombstone(profile_id=ann.id))
    assert store.profiles.find(ann.id) is None and store.gallery.nearest(FACE, "open-1", 3) == []
    assert store.profiles.get(bob.id).friends == ()
    assert [body.type for body in take(store)] == ["erasure_done"]
    assert store.profiles.erasure(ann.id).cloud_confirmed_at
    give(store, DeliveryPut(delivery=delivery))
    with store._connection.read() as db:
        assert db.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)


def test_the_erased_never_come_back(store, person, reopen):
    ann = person("Ann", FACE)
    bob = person("Bob", friends=(ann.id,))
    give(store, ProfilePut(profile=ann))
    store.profiles.erase(ann.id, by="a")
    assert [body.type for body in take(store)] == ["profile_erased", "erasure_done"]
    give(store, ProfilePut(profile=ann), ProfilePut(profile=bob))
    store = reopen()
    assert store.profiles.find(ann.id) is None and store.gallery.nearest(FACE, "open-1", 3) == []
    assert store.profiles.get(bob.id).friends == ()
    assert [body.type for body in take(store)] == ["erasure_done"], "the cloud has to be told again"


def test_nothing_of_the_erased_is_left_in_the_files(store, person, tmp_path, reopen):
    vector = np.random.default_rng(5).normal(size=128).astype("<f4")
    ann = person("Quintessa Erasable", vector)
    store.profiles.create(ann, by="a")
    store.profiles.change(ann.id, ProfileChange(role="staff"), by="a")
    take(store)
    store.profiles.erase(ann.id, by="a")
    traces = [ann.templates[0].vector[:40].encode(), b"Quintessa", vector.tobytes()[:40]]
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert not [trace for trace in traces if trace in path.read_bytes()], path


def test_after_a_restart_of_the_cloud_those_it_does_not_know_go(store, person):
    ann, bob = person("Ann"), person("Bob")
    give(store, ProfilePut(profile=ann), ProfilePut(profile=bob))
    mine = store.profiles.create(person("Mine"), by="a")
    other = new_id()
    assert give(store, epoch=other) == "restart"
    assert store.feed.cursor() == 0 and store.counts()["profiles"] == 3
    give(store, ProfilePut(profile=ann), latest=2, epoch=other)
    assert store.counts()["profiles"] == 3, "nobody goes before all is known"
    give(store, epoch=other)
    assert {p.id for p in store.profiles.page("", 9)} == {ann.id, mine.id}
    give(store, epoch=other)
    assert store.counts()["profiles"] == 2


def test_a_refused_edit_makes_the_box_fetch_everybody_anew(store, person):
    ann = person("Ann")
    give(store, ProfilePut(profile=ann))
    store.profiles.change(ann.id, ProfileChange(name="Wrong"), by="a")
    [parcel] = store.outbox.due(5)
    store.outbox.receipts([Receipt(id=parcel.id, hash=parcel.hash, epoch=EPOCH, result="quarantined", reason="no")])
    assert store.feed.wants_resync()
    store.feed.resync()
    assert not store.feed.wants_resync()
    give(store, ProfilePut(profile=ann))
    assert store.profiles.get(ann.id) == ann


def test_anchors_are_kept_per_channel_and_shown(store):
    record = store.incidents.record(IncidentDraft("fall", "high", "2026-11-23T20:00:00Z", "Hall"), by="r")[0].incident
    general, police = (Anchor(channel=channel, transaction="t", block=n, at="2026-11-23T20:00:01Z")
                       for n, channel in enumerate(("general", "police")))
    give(store, AnchorPut(record_id=record.id, anchors=(general,), inclusions=()))
    give(store, AnchorPut(record_id=record.id, anchors=(general, police), inclusions=()),
         AnchorPut(record_id=new_id(), anchors=(police,), inclusions=()))
    ledger = store.incidents.get(record.id).ledger
    assert ledger.status == "anchored" and ledger.anchors == (general, police)


def test_the_way_onto_the_ledger_is_shown_as_the_cloud_tells_it(store):
    record = store.incidents.record(IncidentDraft("fall", "high", "2026-11-23T20:00:00Z", "Hall"), by="r")[0].incident
    for status, reason in (("submitted", ""), ("recorded", "the ledger is away"), ("parked", "it clashes")):
        give(store, AnchorPut(record_id=record.id, status=status, reason=reason, anchors=(), inclusions=()))
        ledger = store.incidents.get(record.id).ledger
        assert (ledger.status, ledger.reason) == (status, reason)


def test_digests_agree_with_those_of_the_cloud(store, person):
    from contract.digests import digest_of_all
    people = [person(f"P{n}", FACE * n) for n in range(5)]
    give(store, *(ProfilePut(profile=p) for p in people))
    assert store.profiles.digest() == digest_of_all(people)
    store.profiles.change(people[0].id, ProfileChange(name="New"), by="a")
    assert store.profiles.digest() == digest_of_all(store.profiles.page("", 9))
