"""Files, gallery, notices, zones and proofs."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.store.gallery import Gallery
from contract.chain import public_key_text
from contract.delivery import Delivery, SiteContacts
from contract.errors import Conflict, NotFound, Rejected, Unavailable
from contract.ids import new_id
from contract.incident import IncidentDraft, Involved
from contract.ledger import Anchor, InclusionProof, LedgerRecord, TreeHead
from contract.messages import AnchorPut, Change, Changes, DeliveryPut, Receipt, SitePut
from contract.policy import POLICE
from contract.profile import Contact, ProfileChange
from contract.proof.document import check_proof
from contract.proof.merkle import root
from contract.zone import Zone

EPOCH = "00000000-0000-7000-8000-000000000001"
FALL = IncidentDraft("fall", "high", "2026-11-23T20:00:00.000Z", "Hall")
MAIL = Contact(channel="email", address="bob@example.org")


def give(store, *bodies):
    after = store.feed.cursor()
    through = after + len(bodies)
    assert store.feed.apply(Changes(epoch=EPOCH, after=after, through=through, latest=through, changes=tuple(
        Change(revision=after + n, body=body) for n, body in enumerate(bodies, 1)))) == "applied"


def test_files_are_named_by_content_and_read_back(store, reopen):
    one, again = store.files.put(b"picture", "image/jpeg"), store.files.put(b"picture", "image/png")
    assert one == again
    store = reopen()
    assert store.files.get(one.sha256) == (b"picture", "image/jpeg")
    with pytest.raises(NotFound):
        store.files.get("0" * 64)
    for data, kind in ((b"", "image/jpeg"), (b"x", "not a type")):
        with pytest.raises(Rejected):
            store.files.put(data, kind)


def test_a_row_without_its_file_is_not_found_rather_than_an_error(store, tmp_path):
    evidence = store.files.put(b"x", "image/jpeg")
    (tmp_path / "home" / "files" / evidence.sha256[:2] / evidence.sha256).unlink()
    with pytest.raises(NotFound):
        store.files.get(evidence.sha256)


def test_files_nobody_names_go_after_a_day(store, clock, tmp_path):
    kept, orphan = store.files.put(b"kept", "image/jpeg"), store.files.put(b"orphan", "image/jpeg")
    store.incidents.record(FALL._replace(evidence=(kept,)), by="r")
    store.tidy()
    assert store.files.get(orphan.sha256)
    clock.now += 2 * 86400
    store.tidy()
    assert store.files.get(kept.sha256)
    with pytest.raises(NotFound):
        store.files.get(orphan.sha256)
    assert [path.name for path in (tmp_path / "home" / "files").glob("*/*")] == [kept.sha256]


def test_the_gallery_finds_the_nearest_mean(store, person):
    axis = np.eye(128, dtype="<f4")
    ann = store.profiles.create(person("Ann", axis[0], axis[1]), by="a")
    bob = store.profiles.create(person("Bob", axis[2]), by="a")
    near = store.gallery.nearest(axis[0], "open-1", 5)
    assert [n.profile_id for n in near] == [ann.id, bob.id]
    assert near[0].distance == pytest.approx(0.5**0.5)
    assert near[1].distance == pytest.approx(2**0.5)
    assert store.gallery.nearest(axis[0], "zoo-1", 5) == []
    with pytest.raises(ValueError, match="shape"):
        store.gallery.nearest(axis[0][:64], "open-1", 1)


def test_the_gallery_follows_changes_and_is_rebuilt_at_the_start(store, person, template, reopen):
    axis = np.eye(128, dtype="<f4")
    ann = store.profiles.create(person("Ann", axis[0]), by="a")
    change = ProfileChange(add_templates=(template(axis[5]),), remove_templates=(ann.templates[0].id,))
    store.profiles.change(ann.id, change, by="a")
    for current in (store, reopen()):
        [near] = current.gallery.nearest(axis[5], "open-1", 5)
        assert near.distance == pytest.approx(0.0)
    with pytest.raises(Rejected, match="64 values"):
        store = current
        store.profiles.create(person("Bob", np.ones(64, "<f4")), by="a")


def test_packs_are_kept_apart_and_a_misfit_never_breaks_the_gallery(template, space):
    gallery = Gallery()
    gallery.adopt(space)
    gallery.adopt(space.model_copy(update={"pack": "zoo-1", "size": 64}))
    gallery.put("a", [template(np.ones(128)), template(np.ones(64), "zoo-1")])
    gallery.put("b", [template(np.ones(64)), template(np.zeros(128))])
    assert [n.profile_id for n in gallery.nearest(np.ones(128, "<f4"), "open-1", 9)] == ["a", "b"]
    assert [n.profile_id for n in gallery.nearest(np.ones(64, "<f4"), "zoo-1", 9)] == ["a"]
    gallery.remove("a")
    assert gallery.nearest(np.ones(64, "<f4"), "zoo-1", 9) == [] and gallery.size_of("zoo-1") == 64


def test_nobody_is_near_before_it_is_known_how_to_compare(template, space):
    gallery = Gallery()
    gallery.put("a", [template(np.ones(128))])
    assert gallery.nearest(np.ones(128, "<f4"), "open-1", 9) == [] and gallery.size_of("open-1") is None
    gallery.adopt(space)
    assert [n.profile_id for n in gallery.nearest(np.ones(128, "<f4"), "open-1", 9)] == ["a"]


def test_a_cosine_pack_is_compared_by_angle_whatever_the_lengths(template, space):
    axis = np.eye(96)
    gallery = Gallery()
    gallery.put("a", [template(9 * axis[0], "zoo-1"), template(axis[1], "zoo-1")])
    gallery.adopt(space.model_copy(update={"pack": "zoo-1", "size": 96, "metric": "cosine"}))
    gallery.put("b", [template(0.1 * (axis[0] + axis[2]), "zoo-1")])
    near = gallery.nearest((5 * (axis[0] + 0.1 * axis[1])).astype("<f4"), "zoo-1", 2)
    assert [n.profile_id for n in near] == ["a", "b"]
    assert near[0].distance == pytest.approx(1 - 1.1 / 1.01**0.5 / 2**0.5, abs=1e-6)
    assert near[1].distance == pytest.approx(1 - 1 / 1.01**0.5 / 2**0.5, abs=1e-6)


def test_a_pack_that_is_described_anew_is_compared_anew(template, space):
    gallery = Gallery()
    gallery.put("a", [template(2 * np.eye(128)[0])])
    gallery.adopt(space)
    assert gallery.nearest(np.eye(128, dtype="<f4")[0], "open-1", 1)[0].distance == pytest.approx(1.0)
    gallery.adopt(space.model_copy(update={"metric": "cosine"}))
    assert gallery.nearest(np.eye(128, dtype="<f4")[0], "open-1", 1)[0].distance == pytest.approx(0.0)


def notify(store, user, **other):
    return store.notices.create(**{"users": (user.id,), "audience": ("friends", "security"), "description": "Help",
                                   "location": "Hall", "by": "g", **other})


def test_nobody_to_tell_is_refused_and_says_who_lacks_what(store, person):
    ann = store.profiles.create(person("Ann"), by="a")
    with pytest.raises(Rejected, match="Ann has no friends; no contact of security"):
        notify(store, ann)
    bob = store.profiles.create(person("Bob"), by="a")
    store.profiles.change(ann.id, ProfileChange(add_friends=(bob.id,)), by="a")
    with pytest.raises(Rejected, match="Ann has no friends with contacts"):
        notify(store, ann)
    with pytest.raises(Rejected, match="not enrolled"):
        notify(store, person("Ghost"))
    assert store.outbox.waiting() == 3


def test_a_notice_shows_its_plan_then_what_the_cloud_reports(store, person):
    bob = store.profiles.create(person("Bob", contacts=(MAIL,)), by="a")
    ann = store.profiles.create(person("Ann", friends=(bob.id,)), by="a")
    view, new = notify(store, ann, key="k")
    assert new and not notify(store, ann, key="k")[1]
    assert [(d.recipient, d.address, d.state) for d in view.deliveries] == [(bob.id, MAIL.address, "pending")]
    assert "not received it yet" in view.waiting_for
    while parcels := store.outbox.due(9):
        store.outbox.receipts([Receipt(id=p.id, hash=p.hash, epoch=EPOCH) for p in parcels])
    assert "not reported yet" in store.notices.get(view.id).waiting_for
    reported = view.deliveries[0].model_copy(update={"state": "delivered", "provider_id": "SM1"})
    give(store, DeliveryPut(delivery=reported))
    assert store.notices.get(view.id).deliveries == (reported,)
    assert store.notices.get(view.id).waiting_for == ""


def test_an_incident_says_whom_its_severity_tells(store, person):
    give(store, SitePut(site=SiteContacts(security=(MAIL,))))
    bob = store.profiles.create(person("Bob", contacts=(MAIL,)), by="a")
    ann = store.profiles.create(person("Ann", friends=(bob.id,)), by="a")
    people = (Involved(person=ann.id, part="victim", confidence=1),)
    high = store.incidents.record(FALL._replace(people=people), by="r")[0].incident
    low = store.incidents.record(FALL._replace(severity="low"), by="r")[0].incident
    assert {d.audience for d in store.notices.get(high.id).deliveries} == {"friends", "security"}
    assert store.notices.get(low.id).deliveries == ()
    with pytest.raises(NotFound):
        store.notices.get(new_id())


def test_what_is_told_to_the_erased_is_forgotten(store, person):
    bob = store.profiles.create(person("Bob", contacts=(MAIL,)), by="a")
    delivery = Delivery(id=new_id(), subject=new_id(), recipient=bob.id, audience="friends", channel="email",
                        address=MAIL.address, updated_at=FALL.at)
    give(store, DeliveryPut(delivery=delivery))
    store.profiles.erase(bob.id, by="a")
    with store._connection.read() as db:
        assert db.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)


def test_zones_have_revisions(store, reopen):
    zone = Zone(name="roof", polygon=((0, 0), (1, 0), (1, 1)), hazard=True)
    assert store.zones.get("gate") == ((), 0)
    assert store.zones.put("gate", (zone,), 0) == 1
    with pytest.raises(Conflict, match="revision 1"):
        store.zones.put("gate", (), 0)
    assert reopen().zones.get("gate") == ((zone,), 1)


def test_a_proof_is_made_of_what_the_ledgers_said(store):
    record = store.incidents.record(FALL, by="r")[0]
    with pytest.raises(Unavailable, match="not anchored"):
        store.proof(record.incident.id, POLICE)
    with pytest.raises(NotFound):
        store.proof(new_id(), POLICE)
    log_key = Ed25519PrivateKey.generate()
    inclusions = []
    for channel in ("general", "police"):
        entry = LedgerRecord(id=record.incident.id, commitment=record.ledger.entry_hash, severity="high")
        head = TreeHead(channel=channel, size=1, root=root([entry.leaf()]).hex(), at=FALL.at,
                        log_key=public_key_text(log_key), signature="0" * 128)
        head = head.model_copy(update={"signature": log_key.sign(head.signed_bytes()).hex()})
        inclusions.append(InclusionProof(record=entry, index=0, path=(), head=head))
    anchors = tuple(Anchor(channel=i.head.channel, transaction="t", block=0, at=FALL.at) for i in inclusions)
    give(store, AnchorPut(record_id=record.incident.id, anchors=anchors, inclusions=tuple(inclusions)))
    assert len(store.proof(record.incident.id, POLICE).inclusions) == 2
    proof = store.proof(record.incident.id, None)
    assert [i.head.channel for i in proof.inclusions] == ["general"]
    keys = {public_key_text(log_key), proof.box_key}
    assert check_proof(proof.to_bytes(), trusted_keys=keys)[-1] == "all keys are trusted"


def test_counts_and_site(store, person):
    assert store.site() == SiteContacts()
    store.profiles.create(person("Ann", np.ones(128)), by="a")
    counts = store.counts()
    assert counts.pop("disk_free_bytes") > 0
    assert counts == {"profiles": 1, "templates": 1, "incidents": 0, "outbox_waiting": 1, "outbox_parked": 0,
                      "cursor": 0}
