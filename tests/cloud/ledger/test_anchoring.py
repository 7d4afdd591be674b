"""From the queue to the ledger: what goes when, alone or in a batch, and what a box is told."""

import threading

import pytest

from cloud.database.down import feed
from cloud.database.ledger import standing, submissions
from cloud.database.opening import connect
from cloud.ledger.anchoring import AT_A_TIME, Anchoring, anchor_batch, anchor_urgent
from cloud.ledger.embedded import EmbeddedLedger
from contract.errors import Rejected
from contract.proof.document import check_inclusion
from tests.cloud.ledger.conftest import Worker
from tests.support import postgres
from tests.support.faulty_ledger import away
from tests.support.ledgers import rounds


def told(database) -> list:
    with database.read() as session:
        assert feed.changes_for(session, "other", 0, 99).changes == ()
        return [change.body for change in feed.changes_for(session, "gate-1", 0, 99).changes]


def test_a_record_is_anchored_and_its_box_told_with_proofs(database, tmp_path):
    ledger = EmbeddedLedger(tmp_path / "ledger")
    worker = Worker(database, ledger)
    record = worker.queue("critical")
    assert worker.status(record) == "recorded"
    assert worker.round() == 2
    assert worker.round() == 0
    [body] = told(database)
    assert (body.record_id, body.status, [a.channel for a in body.anchors]) == (
        record.id, "anchored", ["general", "police"])
    for inclusion in body.inclusions:
        assert inclusion.record == record
        check_inclusion(inclusion)
    ledger.close()


def test_urgent_records_go_by_themselves_and_the_rest_in_batches(worker, faulty):
    low = [worker.queue("low") for _ in range(5)]
    high = [worker.queue("high") for _ in range(3)]
    anchor_batch(worker.work, "general")
    for channel in ("general", "police"):
        anchor_urgent(worker.work, channel)
    assert faulty.blocks[0].records == tuple(low)
    assert len(faulty.blocks) == 7
    assert {(b.channel, b.records) for b in faulty.blocks[1:]} == {
        (channel, (record,)) for channel in ("general", "police") for record in high}
    assert {worker.status(record) for record in (*low, *high)} == {"anchored"}


def test_a_batch_waits_until_it_is_full_or_old_enough(database, faulty):
    worker = Worker(database, faulty, batch_size=4, batch_seconds=5)
    for _ in range(3):
        worker.queue()
    assert worker.round() == 0
    worker.queue()
    assert worker.round() == 1
    last = worker.queue()
    worker.later(4)
    assert worker.round() == 0
    worker.later(2)
    assert worker.round() == 1
    assert [len(block.records) for block in faulty.blocks] == [4, 1]
    assert faulty.blocks[1].records == (last,)


def test_a_days_backlog_drains_in_batches(database, faulty):
    worker = Worker(database, faulty, batch_seconds=3600)
    records = [worker.queue() for _ in range(450)]
    assert worker.round() == 2, "the third is not full yet"
    worker.later(3700)
    while worker.round():
        pass
    assert sorted(len(block.records) for block in faulty.blocks) == [50, 200, 200]
    assert all(faulty.times("general", record) == 1 for record in records)


def test_several_urgent_records_are_under_way_at_once(worker, faulty):
    for _ in range(2 * AT_A_TIME):
        worker.queue("high")
    # Each waits for the others: one after the other would never get past this.
    together = threading.Barrier(AT_A_TIME, timeout=30)
    faulty.next("sending", *[together.wait] * 2 * AT_A_TIME)
    assert anchor_urgent(worker.work, "police") == 2 * AT_A_TIME


def test_a_transaction_is_stored_before_it_is_sent(database, worker, faulty):
    record = worker.queue("low")
    seen = []

    def look():
        with database.write() as session:
            [submission] = submissions.claim_due(session, "general", "9999-01-01T00:00:00.000Z", 9, 0)
        seen.append((worker.status(record), submission.prepared, told(database)[0].status))

    faulty.next("sending", look)
    assert worker.round() == 1
    assert seen == [("submitted", faulty.blocks[0], "submitted")]


def test_what_is_already_there_is_anchored_where_it_is(worker, faulty):
    record = worker.queue("high")
    first = faulty.commit(faulty.prepare("police", [record]))
    worker.round()
    assert worker.places(record)["police"] == first.transaction
    assert faulty.times("police", record) == 1


def test_a_conflict_is_parked_in_words_and_the_others_of_its_batch_go_on(worker, faulty):
    clash = worker.queue()
    faulty.commit(faulty.prepare("general", [clash.model_copy(update={"commitment": "cd" * 32})]))
    fine = [worker.queue() for _ in range(6)]
    while worker.round():
        pass
    assert worker.standing(clash) == ("parked", f"general: record {clash.id} is there with other content")
    assert {worker.status(record) for record in fine} == {"anchored"}
    assert all(faulty.times("general", record) == 1 for record in fine)
    worker.later(9999)
    assert worker.round() == 0
    assert [(body.status, body.reason != "") for body in told(worker.database) if body.record_id == clash.id] == [
        ("parked", True)]


def test_what_will_never_be_taken_is_parked(worker, faulty):
    record = worker.queue()
    faulty.next("prepare", Rejected("BADARGS: no"))
    worker.round()
    assert worker.standing(record) == ("parked", "general: BADARGS: no")


def test_one_channel_that_is_away_does_not_keep_the_other(worker, faulty):
    record = worker.queue("high")
    faulty.next("check", away())
    with pytest.raises(type(away())):
        anchor_urgent(worker.work, "police")
    anchor_urgent(worker.work, "general")
    assert worker.status(record) == "submitted"
    assert set(worker.places(record)) == {"general"}


def test_several_workers_on_postgresql_anchor_each_record_once(tmp_path):
    ledger = EmbeddedLedger(tmp_path / "ledger")
    with postgres.new_database() as url:
        database = connect(url)
        worker = Worker(database, ledger)
        urgent = {worker.queue("critical").id for _ in range(30)}
        rest = {worker.queue("low").id for _ in range(60)}
        works = [Anchoring(connect(url), ledger, batch_size=7, batch_seconds=0) for _ in range(3)]
        problems = []

        def drain(work):
            try:
                while rounds(work):
                    pass
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=drain, args=[work]) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert sorted(r.id for _, r in ledger.page("police", -1, 99).records) == sorted(urgent)
        assert sorted(r.id for _, r in ledger.page("general", -1, 99).records) == sorted(urgent | rest)
        with database.read() as session:
            assert standing.counts(session) == {"anchored": 120}
        for work in (*works, worker.work):
            work.database.close()
    ledger.close()
