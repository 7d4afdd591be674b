"""A database with a clock that is set by hand, the queue's two ends, and a ledger that fails where it is told to."""

from datetime import timedelta

import pytest

from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.ledger import jobs, standing
from cloud.database.opening import connect
from cloud.ledger.anchoring import Anchoring
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.moments import from_text, now, to_text
from contract.policy import Policy, decide
from tests.support.faulty_ledger import FaultyLedger
from tests.support.ledgers import rounds


class Worker:
    """The worker's rounds over a database, at a time that the test sets."""

    def __init__(self, database: Database, ledger, **settings) -> None:
        self.database, self.ledger, self.time = database, ledger, now()
        self.later(1)  # what is queued in the test was queued before
        self.work = Anchoring(database, ledger, clock=lambda: self.time, **{"batch_seconds": 0, **settings})

    def later(self, seconds: float) -> None:
        self.time = to_text(from_text(self.time) + timedelta(seconds=seconds))

    def round(self) -> int:
        """One of each of the rounds."""
        return rounds(self.work)

    def queue(self, severity: str = "low", **fields) -> LedgerRecord:
        record = LedgerRecord(**{"id": new_id(), "commitment": "ab" * 32, "severity": severity, **fields})
        with self.database.write() as session:
            channels, at_once, *_ = decide("incident", severity, Policy())
            jobs.add(session, record, channels, "gate-1", at_once=at_once)
        return record

    def status(self, record: LedgerRecord) -> str:
        return self.standing(record).status

    def standing(self, record: LedgerRecord) -> standing.Standing:
        with self.database.read() as session:
            return standing.standing(session, record.id)

    def places(self, record: LedgerRecord) -> dict[str, str]:
        """Channel -> transaction, as the database has them."""
        with self.database.read() as session:
            return {a.channel: a.transaction for a, _ in standing.where_anchored(session, record.id)}


@pytest.fixture
def database(tmp_path):
    database = connect(f"sqlite:///{tmp_path}/cloud.db")
    with database.write() as session:
        meta.ensure_epoch(session)
    yield database
    database.close()


@pytest.fixture
def faulty():
    return FaultyLedger()


@pytest.fixture
def worker(database, faulty):
    return Worker(database, faulty)
