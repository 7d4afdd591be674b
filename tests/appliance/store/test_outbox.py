"""The outbox: nothing the cloud has not confirmed is ever forgotten, and nothing stands in the way of the rest."""

import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance.store.limits import UPKEEP, Limits
from appliance.store.outbox import PATIENCE, SHORT_PATIENCE
from appliance.store.store import open_store
from contract.ids import new_id
from contract.incident import IncidentDraft, Involved
from contract.messages import Changes, Receipt, Up, check_up, decode
from contract.profile import ProfileChange

FALL = IncidentDraft("fall", "high", "2026-11-23T20:00:00.000Z", "Hall")
EPOCH = "00000000-0000-7000-8000-000000000001"


def ups(store, limit=100):
    return [decode(Up, parcel.data) for parcel in store.outbox.due(limit)]


def confirm(store, up, **other):
    return store.outbox.receipts([Receipt(**{"id": up.id, "hash": up.hash, "epoch": EPOCH, **other})])


def test_a_sent_row_pauses_longer_each_time_and_never_stops(store, clock):
    store.incidents.record(FALL, by="r")
    pauses = []
    for _ in range(9):
        [parcel] = store.outbox.due(10)
        store.outbox.sent([parcel])
        started = clock.now
        while not store.outbox.due(10):
            clock.now += 1
        pauses.append(clock.now - started)
    assert pauses == [10, 20, 40, 80, 160, 300, 600, 600, 600]


def test_a_clock_set_back_a_year_does_not_silence_the_box(store, clock):
    store.incidents.record(FALL, by="r")
    store.outbox.sent(store.outbox.due(1))
    clock.now -= 365 * 86400
    assert len(ups(store)) == 1


def test_a_row_is_marked_sent_and_kept_over_a_restart(store, reopen):
    store.incidents.record(FALL, by="r")
    store.outbox.sent(store.outbox.due(1))
    store = reopen()
    assert store.outbox.waiting() == 1 and ups(store) == []
    store.outbox.hurry()
    assert len(ups(store)) == 1


def test_receipts_twice_for_strangers_or_other_content_change_nothing(store):
    incident = store.incidents.record(FALL, by="r")[0].incident
    [up] = ups(store)
    assert confirm(store, up, hash="0" * 64) == confirm(store, up, id=new_id()) == 0
    assert store.outbox.waiting() == 1
    assert [confirm(store, up), confirm(store, up), confirm(store, up, result="quarantined")] == [1, 0, 0]
    assert store.incidents.get(incident.id).ledger.committed_at and store.outbox.parked() == []


def test_a_confirmed_row_is_kept_for_a_restored_cloud_and_then_forgotten(store, clock):
    store.incidents.record(FALL, by="r")
    [up] = ups(store)
    store.feed.apply(Changes(epoch=EPOCH, after=0, through=0, latest=0, changes=()))
    confirm(store, up)
    clock.now += 20 * 86400
    store.tidy()
    assert store.feed.apply(Changes(epoch=new_id(), after=0, through=0, latest=0, changes=())) == "restart"
    assert ups(store) == [up]
    store.outbox.receipts([Receipt(id=up.id, hash=up.hash, epoch=store.feed.epoch())])
    clock.now += 40 * 86400
    store.tidy()
    store.feed.apply(Changes(epoch=new_id(), after=0, through=0, latest=0, changes=()))
    assert ups(store) == [] and store.counts()["incidents"] == 1


def test_a_row_nobody_confirms_holds_back_its_lane_only_for_a_while(store, clock):
    incident = store.incidents.record(FALL, by="r")[0].incident
    store.incidents.act(incident.id, "acknowledge", by="g")
    for _ in range(PATIENCE):
        parcels = store.outbox.due(10)
        assert [decode(Up, parcel.data).body.type for parcel in parcels] == ["incident"]
        store.outbox.sent(parcels)
        clock.now += 601
    assert {up.body.type for up in ups(store)} == {"incident", "action"}


def test_a_parked_row_can_be_released(store):
    incident = store.incidents.record(FALL, by="r")[0].incident
    [up] = ups(store)
    confirm(store, up, result="quarantined", reason="too odd")
    assert store.outbox.waiting() == 0 and "too odd" in store.outbox.parked()[0].reason
    assert store.incidents.get(incident.id).ledger.status == "parked"
    store.outbox.release(up.id)
    assert ups(store) == [up] and store.outbox.parked() == []
    confirm(store, up)
    assert store.incidents.get(incident.id).ledger.status == "recorded"


def test_a_person_made_offline_goes_up_before_what_happened_to_them(store, person):
    friend = store.profiles.create(person("Bob"), by="a")
    ann = store.profiles.create(person("Ann"), by="a")
    other = store.profiles.create(person("Cid"), by="a")
    store.profiles.change(ann.id, ProfileChange(add_friends=(friend.id,)), by="a")
    people = (Involved(person=ann.id, part="victim", confidence=1),)
    store.incidents.record(FALL._replace(severity="critical", people=people), by="r")
    store.incidents.record(FALL._replace(severity="critical"), by="r")
    order = []
    while batch := ups(store, 1):
        order.append(batch[0].body)
        confirm(store, batch[0])
    kinds = [body.type for body in order]
    assert kinds == ["profile_created", "profile_created", "profile_created", "profile_changed", "incident", "incident"]
    assert [body.profile.id for body in order[:3]] == [friend.id, ann.id, other.id]


def test_what_happened_waits_for_its_person_but_not_long(store, person, clock):
    ann = store.profiles.create(person("Ann"), by="a")
    people = (Involved(person=ann.id, part="victim", confidence=1),)
    store.incidents.record(FALL._replace(severity="critical", people=people), by="r")
    for _ in range(SHORT_PATIENCE):
        parcels = store.outbox.due(10)
        assert [decode(Up, parcel.data).body.type for parcel in parcels] == ["profile_created"]
        store.outbox.sent(parcels)
        clock.now += 601
    assert [up.body.type for up in ups(store)] == ["profile_created", "incident"]


def test_evidence_of_a_lost_file_is_parked_with_the_reason(store, tmp_path):
    evidence = store.files.put(b"x" * 10, "image/jpeg")
    store.incidents.record(FALL._replace(evidence=(evidence,)), by="r")
    (tmp_path / "home" / "files" / evidence.sha256[:2] / evidence.sha256).unlink()
    assert [up.body.type for up in ups(store)] == ["incident"]
    assert "is gone" in store.outbox.parked()[0].reason


def test_ten_thousand_rows_are_offered_without_reading_them_all(store):
    with store._connection.write(UPKEEP) as write:
        write.executemany("INSERT INTO outbox (id, kind, subject, rank, body, made_at) VALUES (?,'log',?,?,'{}','')",
                          [(str(n), str(n), n) for n in range(10_000)])
        plan = " ".join(row[3] for row in write.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM outbox AS mine WHERE open = 1 ORDER BY rank LIMIT 5").fetchall())
    assert "outbox_open" in plan and "TEMP B-TREE" not in plan


class OutboxMachine(RuleBasedStateMachine):
    """Records, sends, loses, confirms, duplicates, restores the cloud, crashes the box, in any order.

    The model: what the box acknowledged to its callers, and what the cloud has committed.
    """

    sent = Bundle("sent")

    @initialize()
    def start(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.key = Ed25519PrivateKey.generate()
        self.now = 1_795_000_000.0
        self.epoch = EPOCH
        self.acknowledged: dict[str, object] = {}
        self.acts: set[str] = set()
        self.cloud: dict[str, Up] = {}
        self.open()
        self.hear()

    def open(self) -> None:
        self.store = open_store(self.home, box="box-a", key=self.key, clock=lambda: self.now,
                                limits=Limits(reserve_bytes=0, ballast_bytes=0))

    def hear(self) -> None:
        self.store.feed.apply(Changes(epoch=self.epoch, after=0, through=0, latest=0, changes=()))

    @rule(severity=st.sampled_from(["low", "high", "critical"]))
    def record(self, severity: str) -> None:
        view, _ = self.store.incidents.record(FALL._replace(severity=severity), by="r")
        self.acknowledged[view.incident.id] = view.incident

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def act(self, data) -> None:
        incident = data.draw(st.sampled_from(sorted(self.acknowledged)))
        actions = self.store.incidents.act(incident, "note", by="g", note="x").actions
        self.acts |= {action.id for action in actions}

    @rule(target=sent, limit=st.integers(1, 4))
    def send(self, limit: int) -> list[Up]:
        parcels = self.store.outbox.due(limit)
        self.store.outbox.sent(parcels)
        return [decode(Up, parcel.data) for parcel in parcels]

    @rule(batch=sent, lost=st.booleans())
    def arrive(self, batch: list[Up], lost: bool) -> None:
        """The cloud commits; its receipt may be lost. The same batch may arrive again and again."""
        for up in batch:
            check_up(up)
            assert self.cloud.setdefault(up.id, up) == up
        if not lost:
            self.store.outbox.receipts([Receipt(id=up.id, hash=up.hash, epoch=self.epoch) for up in batch])

    @rule(batch=sent)
    def old_receipt(self, batch: list[Up]) -> None:
        self.store.outbox.receipts([Receipt(id=up.id, hash=up.hash, epoch=new_id()) for up in batch])

    @rule(seconds=st.sampled_from([1, 11, 700, -1000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def crash(self) -> None:
        self.store.close()
        self.open()

    @rule()
    def cloud_loses_all(self) -> None:
        self.cloud, self.epoch = {}, new_id()
        self.hear()

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store._connection.read() as db:
            open_rows = {row[0] for row in db.execute("SELECT id FROM outbox WHERE open = 1")}
        with self.store._connection.read() as db:
            rows = dict(db.execute("SELECT id, subject FROM outbox").fetchall())
        safe = open_rows | set(self.cloud)
        assert set(rows) <= safe, "a row is neither in the cloud nor waiting"
        assert set(self.acknowledged) <= set(rows.values())

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.hear()
        for _ in range(200):
            self.now += 1300
            batch = ups(self.store, 10)
            if self.store.outbox.waiting() == 0:
                break
            for up in batch:
                self.cloud[up.id] = up
            self.store.outbox.receipts([Receipt(id=up.id, hash=up.hash, epoch=self.epoch) for up in batch])
        assert self.store.outbox.waiting() == 0
        arrived = [up.body.incident for up in self.cloud.values() if up.body.type == "incident"]
        assert sorted(i.id for i in arrived) == sorted(self.acknowledged)
        assert all(self.acknowledged[incident.id] == incident for incident in arrived)
        assert self.store.chain.check() == len(self.acknowledged) + len(self.acts)
        self.store.close()
        shutil.rmtree(self.home)


OutboxMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestOutboxMachine = OutboxMachine.TestCase
