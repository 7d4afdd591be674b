"""The real anchoring worker, from the database to the ledger: records a second in batches, and how soon an incident is
on the police channel."""

import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlmodel import col, select

from bench._interleaved import Verdict
from cloud.database.engine import Database
from cloud.database.ledger import jobs
from cloud.database.opening import connect
from cloud.database.tables.ledger import LedgerJobRow
from cloud.ledger.anchoring import Anchoring, anchor_batch, anchor_urgent, resume
from cloud.worker import Drain
from contract.ids import new_id
from contract.incident import Severity
from contract.ledger import LedgerChannel, LedgerRecord
from contract.ports import Ledger

BATCHED, BATCHED_ROUNDS = 4000, 3
INCIDENTS = 60
PAUSE_S = 1.0
LOOK_S = 0.002
PATIENCE_S = 60.0


def batches(ledger: Ledger, alone: float) -> Verdict:
    """(c); `alone`: records a second one at a time."""
    rates = []
    for _ in range(BATCHED_ROUNDS):
        with _database() as database:
            _queue(database, BATCHED, "low", ("general",))
            work = Anchoring(database, ledger, batch_seconds=0)
            start = time.perf_counter()
            while anchor_batch(work, "general"):
                pass
            rates.append(BATCHED / (time.perf_counter() - start))
            _all_anchored(database, BATCHED)
    rate = statistics.median(rates)
    return Verdict("(c) anchored in Merkle batches of 200", f"{rate:.1f} records/s from the database to kept proofs, "
                   f"{rate / alone:.0f} times one at a time", ">= 50 times", rate >= 50 * alone)


def police(ledger: Ledger) -> Verdict:
    """(d): incidents come one by one at random, as the cloud commits them, and the worker is woken as ingest does."""
    waited = []
    with _database() as database:
        work = Anchoring(database, ledger)
        drains = [Drain(channel, (partial(resume, work, channel), partial(anchor_urgent, work, channel)), PAUSE_S)
                  for channel in ("police", "general")]
        for drain in drains:
            drain.start()
        try:
            for _ in range(INCIDENTS):
                (record,) = _queue(database, 1, "critical", ("general", "police"))
                start = time.perf_counter()
                for drain in drains:
                    drain.wake()
                _until_anchored(database, record)
                waited.append(time.perf_counter() - start)
                time.sleep(random.uniform(0, 0.5))
        finally:
            for drain in drains:
                drain.stop()
    p95 = sorted(waited)[math.ceil(len(waited) * 0.95) - 1]
    figures = f"median {statistics.median(waited) * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms, n={len(waited)}"
    return Verdict("(d) incident committed -> anchored, police", figures, "p95 <= 1000 ms", p95 <= 1)


@contextmanager
def _database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        database = connect(f"sqlite:///{Path(scratch) / 'cloud.db'}")
        try:
            yield database
        finally:
            database.close()


def _queue(database: Database, count: int, severity: Severity, channels: tuple[LedgerChannel, ...]
           ) -> list[LedgerRecord]:
    made = [LedgerRecord(id=new_id(), commitment=random.randbytes(32).hex(), severity=severity) for _ in range(count)]
    with database.write() as session:
        for record in made:
            jobs.add(session, record, channels, "bench", at_once=len(channels) > 1)
    return made


def _until_anchored(database: Database, record: LedgerRecord) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with database.read() as session:
            job = session.get_one(LedgerJobRow, (record.id, "police"))
        if job.state == "anchored":
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"record {record.id} is {job.state} after {PATIENCE_S:g} s: {job.reason}")
        time.sleep(LOOK_S)


def _all_anchored(database: Database, count: int) -> None:
    with database.read() as session:
        states = session.exec(select(col(LedgerJobRow.state))).all()
    if states.count("anchored") != count:
        raise SystemExit(f"of {count} records {states.count('anchored')} were anchored")
