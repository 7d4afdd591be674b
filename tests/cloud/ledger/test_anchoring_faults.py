"""Whatever stops the worker or the ledger, and wherever: each record ends up there once."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud.database import meta
from cloud.database.opening import connect
from cloud.ledger.anchoring import LEASE_S, anchor_batch
from contract.errors import Rejected
from tests.cloud.ledger.conftest import Worker
from tests.support.faulty_ledger import FaultyLedger, Killed, away

POINTS = ("prepare", "sending", "sent", "prove")


def settle(worker: Worker) -> None:
    """Let time pass until there is nothing more to do."""
    for _ in range(8):
        worker.later(LEASE_S + 61)
        while worker.round():
            pass


@pytest.mark.parametrize("severity", ["low", "high"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_there_it_goes_on_and_writes_once(worker, faulty, severity, point):
    records = [worker.queue(severity) for _ in range(3)]
    faulty.next(point, Killed())
    with pytest.raises(Killed):
        worker.round()
    before = len(faulty.prepared)
    assert "recorded" in {worker.status(r) for r in records} or point != "prepare"
    settle(worker)
    for record in records:
        assert worker.status(record) == "anchored"
        assert all(faulty.times(channel, record) == 1 for channel in worker.places(record))
    if point != "prepare" and severity == "low":
        assert len(faulty.prepared) == before, "what was stored is sent again, and nothing is prepared anew"


def test_killed_before_it_is_stored_nothing_was_sent(database, worker, faulty, monkeypatch):
    from cloud.database.ledger import submissions
    record = worker.queue()
    with monkeypatch.context() as patch:
        patch.setattr(submissions, "store", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            worker.round()
    assert (faulty.sent, worker.status(record)) == ([], "recorded")
    settle(worker)
    assert faulty.times("general", record) == 1


def test_killed_before_it_is_noted_it_is_found_there(worker, faulty, monkeypatch):
    from cloud.database.ledger import submissions
    record = worker.queue()
    with monkeypatch.context() as patch:
        patch.setattr(submissions, "anchored", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            worker.round()
    assert worker.status(record) == "submitted"
    settle(worker)
    assert worker.status(record) == "anchored"
    assert (faulty.times("general", record), faulty.sent) == (1, ["tx1", "tx1"])


@pytest.mark.parametrize("point", POINTS)
def test_an_outage_waits_longer_each_time_and_is_never_parked(worker, faulty, point):
    record = worker.queue()
    faulty.next(point, away(), away(), away())
    for seconds in (1, 2, 5):
        assert worker.round() == 0
        worker.later(seconds - 0.1)
        assert worker.round() == 0
        assert worker.standing(record).reason == "the ledger is away"
        worker.later(0.1)
    assert worker.round() == 1
    assert worker.standing(record) == ("anchored", "")
    assert faulty.times("general", record) == 1


def test_a_day_without_a_ledger_parks_nothing(worker, faulty):
    record = worker.queue("critical")
    for _ in range(60):
        faulty.plan = {"prepare": [away()] * 9}
        worker.round()
        worker.later(1440)
    assert worker.status(record) == "recorded"
    faulty.plan = {}
    settle(worker)
    assert worker.status(record) == "anchored"


def test_only_the_ledgers_own_word_makes_it_prepare_anew(worker, faulty):
    record = worker.queue()
    faulty.next("sending", Rejected("access denied"), away())
    faulty.next("invalid", "MVCC_READ_CONFLICT")
    for _ in range(3):
        worker.round()
        worker.later(61)
    assert len(faulty.prepared) == 1
    settle(worker)
    assert len(faulty.prepared) == 2
    assert (worker.status(record), faulty.times("general", record)) == ("anchored", 1)


def test_one_that_is_always_found_invalid_is_not_prepared_ever_faster(worker, faulty):
    worker.queue()
    faulty.next("invalid", *["ENDORSEMENT_POLICY_FAILURE"] * 99)
    for _ in range(100):
        worker.round()
        worker.later(1)
    assert 4 <= len(faulty.prepared) <= 7


def test_an_unexpected_error_keeps_nobody_else(worker, faulty, caplog):
    records = [worker.queue("high") for _ in range(4)]
    faulty.next("sent", RuntimeError("a bug"))
    worker.round()
    assert sorted(worker.status(record) for record in records) == ["anchored"] * 3 + ["submitted"]
    assert "a bug" in caplog.text
    settle(worker)
    assert {worker.status(record) for record in records} == {"anchored"}


def test_a_worker_that_was_asleep_does_not_send_what_another_took_over(database, faulty):
    one, other = Worker(database, faulty), Worker(database, faulty)
    record = one.queue()

    def meanwhile():
        other.later(LEASE_S + 1)
        other.round()

    faulty.next("prepare", meanwhile)
    anchor_batch(one.work, "general")
    assert (faulty.times("general", record), len(faulty.prepared), faulty.sent) == (1, 2, ["tx2"])


def test_two_that_send_the_same_transaction_note_it_once(database, faulty):
    one, other = Worker(database, faulty), Worker(database, faulty)
    record = one.queue()

    def meanwhile():
        other.later(LEASE_S + 1)
        other.round()

    faulty.next("sent", meanwhile)
    one.round()
    assert (faulty.times("general", record), faulty.sent, one.status(record)) == (1, ["tx1", "tx1"], "anchored")


class AnyOrderOfFaults(RuleBasedStateMachine):
    """Records, rounds, faults and the passing of time in any order; then quiet, and everything is there once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = connect(f"sqlite:///{Path(self.folder.name)}/cloud.db")
        with self.database.write() as session:
            meta.ensure_epoch(session)
        self.ledger = FaultyLedger()
        self.workers = [Worker(self.database, self.ledger, batch_size=3) for _ in range(2)]
        self.records: list = []
        self.clashing: list = []

    @rule(severity=st.sampled_from(["low", "medium", "high"]), clashes=st.integers(0, 9))
    def queue(self, severity, clashes):
        record = self.workers[0].queue(severity)
        if clashes == 0:
            for channel in ("general", "police"):
                self._is_there(channel, record.model_copy(update={"commitment": "cd" * 32}))
            self.clashing.append(record)
        else:
            self.records.append(record)

    @rule(channel=st.sampled_from(["general", "police"]))
    def queue_one_that_is_there(self, channel):
        """As after the cloud's database came back from a backup."""
        record = self.workers[0].queue("high")
        self._is_there(channel, record)
        self.records.append(record)

    @rule(point=st.sampled_from(POINTS), fault=st.sampled_from([away(), Killed(), RuntimeError("x")]))
    @precondition(lambda self: self.records)
    def plan(self, point, fault):
        self.ledger.next(point, fault)

    @rule()
    def one_is_found_invalid(self):
        self.ledger.next("invalid", "MVCC_READ_CONFLICT")

    @rule(seconds=st.sampled_from([0.5, 3, LEASE_S + 1]), point=st.sampled_from(POINTS))
    def the_other_comes_between(self, seconds, point):
        def meanwhile():
            self.workers[1].later(seconds)
            self._round(1)

        self.ledger.next(point, meanwhile)

    @rule(number=st.integers(0, 1))
    def round(self, number):
        self._round(number)

    @rule(seconds=st.sampled_from([0.5, 3, 16, LEASE_S + 1]))
    def time_passes(self, seconds):
        latest = max(worker.time for worker in self.workers)
        for worker in self.workers:
            worker.time = latest
            worker.later(seconds)

    @invariant()
    def nothing_is_there_twice(self):
        for record in self.records:
            for channel in ("general", "police"):
                assert self.ledger.times(channel, record) <= 1

    def _is_there(self, channel: str, record) -> None:
        plan, self.ledger.plan = self.ledger.plan, {}
        self.ledger.commit(self.ledger.prepare(channel, [record]))
        self.ledger.plan = plan

    def _round(self, number: int) -> None:
        with contextlib.suppress(Killed):
            self.workers[number].round()

    def teardown(self):
        self.ledger.plan = {}
        self.workers[0].time = max(worker.time for worker in self.workers)
        settle(self.workers[0])
        for record in self.records:
            assert self.workers[0].status(record) == "anchored"
            for channel, transaction in self.workers[0].places(record).items():
                [block] = [b for b in self.ledger.blocks if b.channel == channel and record in b.records]
                assert block.transaction == transaction
            assert len(self.workers[0].places(record)) == (2 if record.severity == "high" else 1)
        for record in self.clashing:
            assert self.workers[0].status(record) == "parked"
        self.database.close()
        self.folder.cleanup()


AnyOrderOfFaults.TestCase.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate], database=None)
TestAnyOrderOfFaults = AnyOrderOfFaults.TestCase
