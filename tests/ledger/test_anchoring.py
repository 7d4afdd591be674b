"""The cloud's anchoring worker on a network: whatever is killed, each record is there once; nothing else gets there."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import pytest

from cloud.database.engine import Database
from cloud.database.ledger.pins import GenesisPins
from cloud.ledger import fabric_ledger as adapter
from cloud.ledger.anchoring import Anchoring, anchor_urgent
from contract.errors import Unavailable
from tests.ledger.conftest import GROUNDS
from tests.support.anchoring import (
    WorkerProcess,
    check_each_is_there_once,
    counts,
    heights,
    new_database,
    queue,
    some,
    wait_anchored,
    wait_until,
    working,
    written,
)
from tests.support.ground import PARTS, Ground, killed
from tests.support.ledgers import fabric_ledger

# Parts of the network are killed and started several times, and the worker backs off meanwhile.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(new_database(tmp_path / "cloud.db")) as database:
        yield database


def through_kills(ground: Ground, database: Database, incidents: int, kills: int) -> None:
    """Incidents arrive, half of them while a part is away, which dies while transactions are under way."""
    before, records, start = heights(ground), [], time.monotonic()
    with working(database, ground, batch_size=10, batch_seconds=0.5) as worker:
        for number, part in enumerate(islice(cycle(PARTS), kills), start=1):
            records += worker.queue(some(incidents * (2 * number - 1) // (2 * kills) - len(records)))
            wait_until(lambda: counts(database).get("submitted"), database)
            time.sleep(random.uniform(0, 0.3))
            with killed(ground, part):
                records += worker.queue(some(incidents * number // kills - len(records)))
                time.sleep(random.uniform(0, 1))
        wait_anchored(database)
    found = written(ground, before)
    print(f"{ground.name}: {incidents} incidents, {kills} kills, {time.monotonic() - start:.0f} s, "
          f"{found.transactions} transactions of effect ({len(found.batches)} batches) and {found.repeats} without, "
          f"blocks: {sum(heights(ground).values()) - sum(before.values())}")
    assert len(records) == incidents
    check_each_is_there_once(database, records, found)


def test_every_part_killed_in_turn_each_incident_is_anchored_exactly_once(ground: Ground, database: Database) -> None:
    through_kills(ground, database, 60, len(PARTS))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_500_incidents_every_part_killed_in_turn_four_times(ground: Ground, database: Database) -> None:
    through_kills(ground, database, 500, 4 * len(PARTS))


def test_the_worker_killed_at_any_moment_loses_and_doubles_nothing(
    ground: Ground, database: Database, tmp_path: Path
) -> None:
    before, records = heights(ground), []
    process = WorkerProcess(tmp_path / "cloud.db", ground, batch_size=20, batch_seconds=0)
    try:
        for _ in range(6):
            records += queue(database, some(random.randint(3, 12)))  # so each start finds another next batch
            process.start()
            time.sleep(random.uniform(0, 1))
            process.kill()
        process.start()
        wait_anchored(database)
    finally:
        process.kill()
    check_each_is_there_once(database, records, written(ground, before))


def test_what_got_no_answer_in_time_is_asked_for_and_not_prepared_anew(
    ground: Ground, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "SETTLE_S", 0.3)  # the general channel's blocks come later than that
    before, records = heights(ground), []
    with working(database, ground, batch_size=50, batch_seconds=1.2) as worker:
        for _ in range(20):  # so what is prepared anew would always meet others, and make another batch with them
            records += worker.queue(some(2, "low"))
            time.sleep(0.2)
        wait_anchored(database)
    assert "is not confirmed yet" in caplog.text
    check_each_is_there_once(database, records, written(ground, before))


def test_the_backlog_of_an_outage_drains_in_full_batches(
    ground: Ground, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    before = heights(ground)
    with working(database, ground) as worker:
        with killed(ground, "orderer"), killed(ground, "peer-campus"), killed(ground, "peer-police"):
            records = worker.queue([*some(2000, "low"), *some(40, "high")])
            for drain in ("police ledger", "general ledger", "ledger batches"):
                wait_until(lambda drain=drain: f"{drain}: the first block of" in caplog.text, database)
            assert counts(database) == {"recorded": 2080}
        wait_anchored(database)
    found = written(ground, before)
    assert [batch.leaves for batch in found.batches] == [200] * 10
    assert found.transactions == 10 + 2 * 40
    check_each_is_there_once(database, records, found)


def test_another_ledger_in_its_place_is_refused_and_the_records_wait(
    ground: Ground, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch
) -> None:
    before, records = heights(ground), queue(database, some(2, "high"))
    with closing(fabric_ledger(ground, GenesisPins(database))) as ours, monkeypatch.context() as patch:
        patch.setattr(adapter, "SETTLE_S", 0.05)  # sent, and no answer is seen
        for channel in ("general", "police"):
            anchor_urgent(Anchoring(database, ours), channel)
    assert counts(database) == {"submitted": 4}
    with GROUNDS[ground.name](tmp_path / "anew") as other:
        empty = heights(other)
        with working(database, other, batch_seconds=0) as worker:
            records += worker.queue(some(12, "low", "critical"))
            waiting = counts(database)
            for drain, channel in (("police ledger", "police"), ("general ledger", "general"),
                                   ("ledger batches", "general")):
                refused = f"{drain}: refused: channel {channel} is another ledger"
                wait_until(lambda refused=refused: refused in caplog.text, database)
        assert counts(database) == waiting
        assert waiting.keys() == {"recorded", "submitted"}
        with closing(fabric_ledger(other, GenesisPins(database))) as stranger:
            for channel in ("general", "police"):
                with pytest.raises(Unavailable, match=f"{channel} is another ledger .*the records wait") as caught:
                    stranger.check(channel)
                assert "bring the old network back" in caught.value.hint
                assert "docs/fabric.md" in caught.value.hint
        assert heights(other) == empty
    with working(database, ground, batch_seconds=0):
        wait_anchored(database)
    check_each_is_there_once(database, records, written(ground, before))
