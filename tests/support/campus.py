"""A campus in a folder, for audits: boxes with their chains, the cloud's database and the embedded ledger, all agreeing
until a test tampers with them."""

import sqlite3
from pathlib import Path

from cloud.database import meta
from cloud.database.engine import Database
from cloud.database.opening import connect
from cloud.ingest.bodies import Setting
from cloud.ingest.intake import take
from cloud.ledger.audit.books import TreeBooks
from cloud.ledger.audit.walk import Audit
from cloud.ledger.embedded import EmbeddedLedger
from contract.chain import SignedEntry
from contract.messages import Up, encode
from contract.moments import now
from contract.proof.chain_file import write_chain
from tests.support.cloud_box import SimulatedBox
from tests.support.ledgers import anchor_all
from tests.support.policies import CRITICAL

LEDGER = Path("ledger.db")
DATABASE = Path("cloud.db")


class Campus:
    """`entries` are the boxes' own chains, as their exports would have them."""

    def __init__(self, home: Path, database: Database | None = None) -> None:
        self.home = home
        self.database = database or connect(f"sqlite:///{home / DATABASE}")
        with self.database.write() as session:
            meta.ensure_epoch(session)
        self.ledger = EmbeddedLedger(home)
        self.boxes = {name: SimulatedBox(name).register(self.database) for name in ("gate-1", "roof-2")}
        self.entries: dict[str, list[SignedEntry]] = {name: [] for name in self.boxes}
        self._setting = Setting(home / "files", CRITICAL)

    def send(self, message: Up) -> str:
        """The box wrote it into its chain, and the cloud receives it; returns the record's id."""
        entry = message.body.entry
        self.entries[message.box].append(entry)
        self.receive(message)
        return entry.entry.record_id

    def receive(self, message: Up, result: str = "committed") -> None:
        assert take(self.database, self._setting, message.box, encode(message)).result == result

    def lose(self, message: Up) -> str:
        """The box wrote it into its chain, and it never arrives."""
        self.entries[message.box].append(message.body.entry)
        return message.body.entry.entry.record_id

    def anchor(self) -> None:
        """All that is queued goes on the ledger."""
        anchor_all(self.database, self.ledger)

    def fill(self) -> list[str]:
        """Six records of the gate (its entries 1 to 6), two of the roof; returns the gate's ids."""
        gate, roof = self.boxes["gate-1"], self.boxes["roof-2"]
        first = gate.incident("critical")
        ids = [self.send(one) for one in (first, gate.incident("low"), gate.action(first.body.incident.id),
                                          gate.log(), gate.incident("high"), gate.incident("medium"))]
        self.send(roof.incident("critical"))
        self.send(roof.log())
        self.anchor()
        return ids

    def export(self, box: str, at: str | None = None, entries: list[SignedEntry] | None = None) -> Path:
        """What `sentrybox ledger export` on the box would write."""
        path = self.home / f"{box}.chain"
        lines: list[bytes] = []
        write_chain(box, self.boxes[box].key, self.entries[box] if entries is None else entries, at or now(),
                    lines.append)
        path.write_bytes(b"".join(lines))
        return path

    def tamper(self, statement: str, *values: object, file: Path = DATABASE) -> None:
        """Change the file past every program of ours; at least one row is hit."""
        connection = sqlite3.connect(self.home / file, isolation_level=None)
        for trigger in ("leaves_stay", "leaves_are_kept"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        assert connection.execute(statement, values).rowcount > 0
        connection.close()

    def audit(self, *exports: Path, **how) -> Audit:
        return Audit(self.database, TreeBooks(how.pop("ledger", self.ledger)), exports, **{"patience_s": -60, **how})

    def kinds(self, *exports: Path, **how) -> list[tuple[str, str]]:
        """(kind, where) of all findings of a new audit that has no patience."""
        return [(one.kind, one.where) for one in self.audit(*exports, **how).findings()]

    def close(self) -> None:
        self.ledger.close()
        self.database.close()
