import threading
from datetime import timedelta

import pytest

from cloud.database import feed, ledger_jobs, meta
from cloud.database.engine import connect
from cloud.ledger.anchoring import LEASE_S, anchor_once, channels_for
from cloud.ledger.embedded import EmbeddedLedger
from contract.errors import Conflict, Unavailable
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.moments import from_text, to_text
from contract.proof import check_inclusion
from tests.support import postgres

AT = "2026-11-23T20:00:00.000Z"


def after(seconds: float) -> str:
    return to_text(from_text(AT) + timedelta(seconds=seconds))


@pytest.fixture
def database(tmp_path):
    database = connect(f"sqlite:///{tmp_path}/cloud.db")
    with database.write() as session:
        meta.ensure_epoch(session)
    yield database
    database.close()


@pytest.fixture
def ledger(tmp_path):
    ledger = EmbeddedLedger(tmp_path / "ledger")
    yield ledger
    ledger.close()


def queue(database, severity="low", **fields) -> LedgerRecord:
    record = LedgerRecord(**{"id": new_id(), "commitment": "ab" * 32, "severity": severity, **fields})
    with database.write() as session:
        ledger_jobs.add(session, record, channels_for(severity, "critical"), "gate-1")
    return record


def state(database, record) -> str:
    with database.read() as session:
        return ledger_jobs.job_state(session, record.id)[0]


@pytest.mark.parametrize(
    ("severity", "police_from", "channels"),
    [
        ("low", "critical", ("general",)),
        ("high", "critical", ("general",)),
        ("critical", "critical", ("general", "police")),
        ("high", "medium", ("general", "police")),
    ],
)
def test_the_police_log_gets_what_is_severe_enough(severity, police_from, channels):
    assert channels_for(severity, police_from) == channels


def test_a_record_is_anchored_and_its_box_told_with_proofs(database, ledger):
    record = queue(database, "critical")
    assert anchor_once(database, ledger, AT) == 1
    assert anchor_once(database, ledger, AT) == 0
    with database.read() as session:
        body = feed.changes_for(session, "gate-1", 0, 9).changes[0].body
        assert feed.changes_for(session, "other", 0, 9).changes == ()
    assert (body.record_id, [a.channel for a in body.anchors]) == (record.id, ["general", "police"])
    for inclusion in body.inclusions:
        assert inclusion.record == record
        check_inclusion(inclusion)


class Failing:
    """The ledger behind it, with an error for the next calls of one method."""

    def __init__(self, ledger, method: str, *errors: Exception | None) -> None:
        self._ledger, self._method, self._errors = ledger, method, list(errors)

    def __getattr__(self, name):
        if name == self._method and self._errors and (error := self._errors.pop(0)) is not None:

            def fail(*_):
                # As a ledger does that took the record and whose answer was lost.
                raise error

            return fail
        return getattr(self._ledger, name)


@pytest.mark.parametrize("method", ["append", "prove"])
@pytest.mark.parametrize("before", [0, 1])
def test_an_outage_waits_longer_each_time_and_ends_with_one_leaf(database, ledger, method, before):
    record = queue(database, "critical")
    failing = Failing(ledger, method, *[None] * before, Unavailable("away"), Unavailable("away"))
    assert anchor_once(database, failing, AT) == 0
    assert anchor_once(database, failing, after(0.9)) == 0
    assert state(database, record) == "queued"
    failing._errors = [Unavailable("away")]
    assert anchor_once(database, failing, after(1)) == 0
    assert anchor_once(database, ledger, after(2.9)) == 0
    assert anchor_once(database, ledger, after(3)) == 1
    assert [r for _, r in ledger.page("general", -1, 9)] == [record]
    assert [r for _, r in ledger.page("police", -1, 9)] == [record]


def test_a_conflict_is_parked_and_the_others_go_on(database, ledger):
    ledger.append("general", LedgerRecord(id=(clash := new_id()), commitment="cd" * 32, severity="low"))
    parked, fine = queue(database, id=clash), queue(database)
    assert anchor_once(database, ledger, AT) == 2
    assert (state(database, parked), state(database, fine)) == ("parked", "anchored")
    with database.read() as session:
        assert "other content" in ledger_jobs.parked(session)[0].reason


def test_a_worker_that_dies_leaves_its_lease_to_the_next(database, ledger):
    class Dies(Exception):
        pass

    record = queue(database)
    with pytest.raises(Dies):
        anchor_once(database, Failing(ledger, "prove", Dies()), AT)
    assert anchor_once(database, ledger, after(LEASE_S - 1)) == 0
    assert anchor_once(database, ledger, after(LEASE_S)) == 1
    assert [r for _, r in ledger.page("general", -1, 9)] == [record]


def test_conflict_is_not_retried(database, ledger):
    record = queue(database)
    assert anchor_once(database, Failing(ledger, "append", Conflict("x")), AT) == 1
    assert anchor_once(database, ledger, after(9999)) == 0
    assert state(database, record) == "parked"


def test_several_workers_on_postgresql_anchor_each_record_once(ledger):
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres.cluster() as url:
        database = connect(url)
        records = {queue(database, "critical").id for _ in range(60)}
        done = []

        def work():
            while count := anchor_once(database, ledger, AT, limit=7):
                done.append(count)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(done) == 60
        assert {r.id for _, r in ledger.page("police", -1, 99)} == records
        with database.read() as session:
            assert ledger_jobs.counts(session) == {"anchored": 60}
            assert feed.revision(session) == 60
        database.close()
