"""The cloud's anchoring worker on a network: whatever is killed, each record is there once; nothing else gets there."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import pytest

from cloud.database.engine import Database
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
