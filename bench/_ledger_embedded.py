"""The embedded ledger against bare SQLite, and its proofs in a log of a million entries."""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench._interleaved import Verdict, compared, in_turns
from cloud.ledger.embedded import SCHEMA, EmbeddedLedger
from contract.ids import new_id
from contract.ledger import LedgerRecord
from contract.ports import Prepared
from contract.proof.document import check_inclusion

ENTRIES = 500
ROUNDS = 7
MILLION = 1_000_000
BATCH = 10_000
PROOFS = 200
Row = tuple[Any, ...]


class Rows(NamedTuple):
    """What one entry writes."""

    leaf: Row
    nodes: list[Row]
    head: Row


def records(count: int) -> list[LedgerRecord]:
    """New records, as a box's chain entries would give them."""
    return [LedgerRecord(id=new_id(), commitment=f"{number:064x}", severity="low") for number in range(count)]


def measure() -> Iterator[Verdict]:
    """The lines of part (f)."""
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        yield _against_sqlite(Path(scratch))
        yield from _million(Path(scratch) / "million")


def _against_sqlite(scratch: Path) -> Verdict:
    wanted = records(ENTRIES)
    rows = _rows_of(scratch / "rows", wanted)

    def fresh() -> Path:
        return Path(tempfile.mkdtemp(dir=scratch))

    def ours() -> float:
        ledger = EmbeddedLedger(fresh())
        start = time.perf_counter()
        for record in wanted:
            ledger.commit(ledger.prepare("general", [record]))
        rate = ENTRIES / (time.perf_counter() - start)
        ledger.close()
        return rate

    def bare() -> float:
        connection = sqlite3.connect(fresh() / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(SCHEMA)
        start = time.perf_counter()
        for row in rows:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO leaves VALUES (?, ?, ?, ?, ?)", row.leaf)
            connection.executemany("INSERT INTO nodes VALUES (?, ?, ?, ?)", row.nodes)
            connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", row.head)
            connection.execute("COMMIT")
        rate = ENTRIES / (time.perf_counter() - start)
        connection.close()
        return rate

    return compared("(f) embedded ledger, one entry a commit", "/s", *in_turns(ours, bare, ROUNDS), "bare SQLite", 0.5)


def _rows_of(home: Path, wanted: list[LedgerRecord]) -> list[Rows]:
    """The very rows that the ledger writes for each record."""
    ledger = EmbeddedLedger(home)
    heads = []
    for record in wanted:
        ledger.commit(ledger.prepare("general", [record]))
        heads.append(("general", ledger.head("general").model_dump_json()))
    ledger.close()
    connection = sqlite3.connect(home / "ledger.db")
    leaves = connection.execute("SELECT * FROM leaves ORDER BY number").fetchall()
    nodes: list[list[Row]] = [[] for _ in leaves]
    for row in connection.execute("SELECT * FROM nodes"):
        _, level, number, _ = row
        # A node is completed by the last leaf below it.
        nodes[((number + 1) << level) - 1].append(row)
    connection.close()
    return [Rows(*found) for found in zip(leaves, nodes, heads, strict=True)]


def _million(home: Path) -> Iterator[Verdict]:
    ledger = EmbeddedLedger(home)
    sample: list[LedgerRecord] = []
    start = time.perf_counter()
    for number in range(MILLION // BATCH):
        batch = records(BATCH)
        ledger.commit(Prepared("general", tuple(batch), "0" * 64, b""))
        if number % (MILLION // BATCH // 10) == 0:
            sample += batch[:: BATCH // (PROOFS // 10)]
        print(f"{(number + 1) * BATCH} entries", end="\r", file=sys.stderr, flush=True)
    built = time.perf_counter() - start
    made, checked, sizes = [], [], []
    for record in sample:
        anchor = ledger.commit(ledger.prepare("general", [record]))
        began = time.perf_counter()
        (proof,) = ledger.prove(anchor, [record])
        made.append(time.perf_counter() - began)
        sizes.append(len(proof.model_dump_json()))
        began = time.perf_counter()
        check_inclusion(proof)
        checked.append(time.perf_counter() - began)
    more = records(ENTRIES)
    began = time.perf_counter()
    for record in more:
        ledger.commit(ledger.prepare("general", [record]))
    rate = ENTRIES / (time.perf_counter() - began)
    ledger.close()
    began = time.perf_counter()
    EmbeddedLedger(home).close()
    opened = time.perf_counter() - began
    size = sum(path.stat().st_size for path in home.iterdir()) / 2**20
    make_ms, check_ms = statistics.median(made) * 1e3, statistics.median(checked) * 1e3
    yield Verdict(f"    at {MILLION} entries", f"proof {statistics.median(sizes):.0f} bytes of JSON, made in "
                  f"{make_ms:.2f} ms, verified in {check_ms:.2f} ms (medians of {len(sample)})")
    yield Verdict("", f"{rate:.0f} entries/s, one a commit; {MILLION / built:.0f} entries/s in batches of {BATCH}; "
                  f"{size:.0f} MB; opened and checked leaf by leaf in {opened:.1f} s")
