"""The anchoring worker on a network, run as cloud/app.py runs it, and what it wrote there, read block by block."""

import multiprocessing
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from sqlmodel import col, select

from cloud import app
from cloud.config import LedgerSettings
from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.ledger import jobs as ledger_jobs
from cloud.database.ledger import standing
from cloud.database.ledger.pins import GenesisPins
from cloud.database.opening import connect
from cloud.database.tables.ledger import AnchorRow, LedgerJobRow
from cloud.ledger.anchoring import LEASE_S, Anchoring
from cloud.ledger.fabric_ledger import FabricLedger
from cloud.ledger.fabric_writes import BATCH, RECORD, writes_of
from cloud.worker import Drain
from contract.ids import new_id
from contract.incident import SEVERITIES
from contract.ledger import INCLUSION, Anchor, FabricInclusion, LedgerRecord
from contract.moments import from_text, now, to_text
from contract.policy import Policy, decide
from contract.proof.fabric import check_fabric
from contract.proof.merkle import root
from tests.support.ground import CHAINCODE, Client, Ground

# The worker waits up to a minute after repeated failures, the network needs some seconds to come back, and this machine
# may be busy: more than that is a worker that has stopped.
PATIENCE_S = 240.0
START_S = 60.0
WRITERS = {"general": ("campus", "recorder"), "police": ("campussec", "recorder")}
Place = tuple[str, str]
"""A record's id and a channel."""


class Batch(NamedTuple):
    channel: str
    root: str
    leaves: int


class Written(NamedTuple):
    """What valid transactions wrote: where each key is, once for every time that it was written."""

    records: dict[Place, list[tuple[int, str]]]
    batches: dict[Batch, list[tuple[int, str]]]
    repeats: int

    @property
    def transactions(self) -> int:
        return sum(len(found) for found in (*self.records.values(), *self.batches.values()))


class Worker:
    """The drains of cloud/app.py that write on the ledger."""

    def __init__(self, database: Database, ledger: FabricLedger, profile: Path, **settings: float) -> None:
        wanted = LedgerSettings(kind="fabric", profile=profile, **settings)
        rounds = app.anchoring_rounds(wanted, Policy(), database, ledger)
        self._drains = [Drain(name, each, app.PAUSE_S) for name, each in rounds.items()]
        self._database = database

    def start(self) -> None:
        for drain in self._drains:
            drain.start()

    def stop(self) -> None:
        for drain in self._drains:
            drain.stop()

    def queue(self, records: Iterable[LedgerRecord]) -> list[LedgerRecord]:
        """As intake does; the drains are woken."""
        made = queue(self._database, records)
        for drain in self._drains:
            drain.wake()
        return made


@contextmanager
def working(database: Database, ground: Ground, **settings: float) -> Iterator[Worker]:
    """The worker on a network while the block runs; its ledger must stay the one that the database knows."""
    with ExitStack() as stack:
        ledger = FabricLedger(ground.profile("campus"), ground.home / "roots", GenesisPins(database))
        stack.callback(ledger.close)
        worker = Worker(database, ledger, ground.profile("campus"), **settings)
        worker.start()
        stack.callback(worker.stop)
        yield worker


class WorkerProcess:
    """The worker in a process of its own, which is killed. No other may write to its SQLite database while it runs."""

    def __init__(self, database: Path, ground: Ground, **settings: float) -> None:
        # A process that has imported everything, and nothing else, makes the others: seconds less for each.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._start = partial(self._context.Process, target=_serve, daemon=True)
        self._what = (database, ground.profile("campus"), ground.home / "roots", settings)
        self._process: multiprocessing.process.BaseProcess | None = None
        self._starts = 0

    def start(self) -> None:
        """Returns when it works. The leases of the one before are over, as after a pause of that length."""
        ready = self._context.Event()
        self._process = self._start(args=(*self._what, self._starts * (LEASE_S + 1), ready))
        self._starts += 1
        self._process.start()
        assert ready.wait(START_S), f"the worker did not start; exit status {self._process.exitcode}"

    def kill(self) -> None:
        """SIGKILL; returns when it is dead."""
        if self._process is not None:
            self._process.kill()
            self._process.join(10)
            assert self._process.exitcode == -signal.SIGKILL
            self._process = None


def _serve(database: Path, profile: Path, roots: Path, settings: dict[str, float], ahead_s: float, ready) -> None:
    app.Anchoring = partial(Anchoring, clock=lambda: to_text(from_text(now()) + timedelta(seconds=ahead_s)))
    opened = connect(f"sqlite:///{database}")
    Worker(opened, FabricLedger(profile, roots, GenesisPins(opened)), profile, **settings).start()
    ready.set()
    signal.pause()


def new_database(path: Path) -> Database:
    """A cloud's database, empty."""
    database = connect(f"sqlite:///{path}")
    with database.write() as session:
        meta.ensure_epoch(session)
    return database


def some(count: int, *severities: str) -> list[LedgerRecord]:
    """Records that nobody has seen; of any severity where none are given."""
    return [LedgerRecord(id=new_id(), commitment=token_hex(32), severity=random.choice(severities or SEVERITIES))
            for _ in range(count)]


def queue(database: Database, records: Iterable[LedgerRecord]) -> list[LedgerRecord]:
    made = list(records)
    with database.write() as session:
        for record in made:
            channels, at_once, *_ = decide("incident", record.severity, Policy())
            ledger_jobs.add(session, record, channels, "gate-1", at_once=at_once)
    return made


def counts(database: Database) -> dict[str, int]:
    """State -> number of jobs."""
    with database.read() as session:
        return standing.counts(session)


def wait_until(what: Callable[[], object], database: Database, patience_s: float = PATIENCE_S) -> None:
    """Until it is so; the error says how the jobs stand and what they wait for."""
    end = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > end:
            with database.read() as session:
                reasons = Counter(session.exec(select(LedgerJobRow.reason).where(LedgerJobRow.reason != "")))
            raise AssertionError(f"it did not come to that in {patience_s:g} s: {counts(database)}, "
                                 f"{reasons.most_common(5)}")
        time.sleep(0.05)


def wait_anchored(database: Database) -> None:
    wait_until(lambda: set(counts(database)) <= {"anchored"}, database)


def heights(ground: Ground) -> dict[str, int]:
    """Channel -> number of blocks."""
    return {channel: len(chain) for channel, chain in _chains(ground).items()}


def written(ground: Ground, since: dict[str, int]) -> Written:
    """What is in the blocks of both channels from these numbers on."""
    records, batches = defaultdict(list), defaultdict(list)
    repeats = 0
    for channel, chain in _chains(ground).items():
        for block in chain[since[channel]:]:
            for envelope, transaction, code in zip(block.envelopes, block.transactions, block.codes, strict=True):
                if code:
                    repeats += 1
                    continue
                for key, value in writes_of(envelope, CHAINCODE):
                    place = (block.header.number, transaction)
                    if key.startswith(RECORD):
                        records[value["id"], channel].append(place)
                    elif key.startswith(BATCH):
                        batches[Batch(channel, value["root"], value["leaves"])].append(place)
    return Written(records, batches, repeats)


def check_each_is_there_once(database: Database, records: list[LedgerRecord], found: Written) -> None:
    """Every record is anchored on each of its channels, in a valid transaction of its own or as a leaf of one batch;
    the chain has it nowhere else, where the database says, and the kept proof is good."""
    wanted = {(record.id, channel): record for record in records
              for channel in decide("incident", record.severity, Policy()).channels}
    with database.read() as session:
        jobs = session.exec(select(LedgerJobRow)).all()
        kept = {(row.record_id, row.channel): (Anchor.model_validate_json(row.anchor),
                                               INCLUSION.validate_json(row.inclusion))
                for row in session.exec(select(AnchorRow).order_by(col(AnchorRow.record_id)))}
    _same("jobs", {(job.record_id, job.channel): job.state for job in jobs}, dict.fromkeys(wanted, "anchored"))
    _same("kept proofs", {place: proof.record for place, (_, proof) in kept.items()}, wanted)
    singles: dict[Place, list[tuple[int, str]]] = {}
    members: dict[tuple[str, int, str], list[FabricInclusion]] = defaultdict(list)
    for place, (anchor, inclusion) in kept.items():
        assert (inclusion.channel, anchor.channel) == (place[1], place[1]), f"{place}: {anchor}"
        check_fabric(inclusion)
        if inclusion.batch is None:
            singles[place] = [(anchor.block, anchor.transaction)]
        else:
            members[anchor.channel, anchor.block, anchor.transaction].append(inclusion)
    # Both ways: a batch on the chain that the database does not know may have any of the records a second time.
    _same("records on the chain", found.records, singles)
    _same("batches on the chain", found.batches, {_batch(channel, proofs): [(block, transaction)]
                                                  for (channel, block, transaction), proofs in members.items()})


def _same(what: str, found: dict, wanted: dict) -> None:
    other = [(key, found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()
             if found.get(key) != wanted.get(key)]
    assert not other, f"{what}: {len(other)} differ from the {len(wanted)} wanted (which, found, wanted): {other[:3]}"


def _batch(channel: str, proofs: list[FabricInclusion]) -> Batch:
    """The batch that these proofs make up, computed from the records themselves."""
    proofs = sorted(proofs, key=lambda proof: proof.batch.index)
    places = [proof.batch.index for proof in proofs]
    assert places == list(range(proofs[0].batch.leaves)), f"of {proofs[0].batch} only {places} are kept as there"
    return Batch(channel, root([proof.record.leaf() for proof in proofs]).hex(), len(proofs))


def _chains(ground: Ground) -> dict[str, list]:
    found = {}
    for channel, (organisation, user) in WRITERS.items():
        client = Client(ground, organisation, user, channel)
        with closing(client.gateway):
            found[channel] = client.chain()
    return found
