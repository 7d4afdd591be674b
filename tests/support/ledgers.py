"""What tests do with a ledger (contract.ports.Ledger) that programs leave to the worker."""

from cloud.database.engine import Database
from cloud.ledger.anchoring import Anchoring, anchor_batch, anchor_urgent, resume
from cloud.ledger.fabric_ledger import FabricLedger, Pin
from contract.ledger import Anchor, Inclusion, LedgerChannel, LedgerRecord
from contract.ports import Ledger
from tests.support.ground import Ground


def fabric_ledger(ground: Ground, pin: Pin = lambda channel, seen: seen) -> FabricLedger:
    """As the campus, on a network; without `pin`, on whatever network it is."""
    return FabricLedger(ground.profile("campus"), ground.home / "roots", pin)


def put(ledger: Ledger, channel: LedgerChannel, *records: LedgerRecord) -> Anchor:
    """Write the records in one transaction."""
    return ledger.commit(ledger.prepare(channel, records))


def prove(ledger: Ledger, channel: LedgerChannel, record: LedgerRecord) -> Inclusion:
    """The proof of a record that has a transaction of its own."""
    anchor = ledger.commit(ledger.prepare(channel, [record]))
    return ledger.prove(anchor, [record])[0]


def anchor_all(database: Database, ledger: Ledger, **settings) -> int:
    """Let the worker's rounds go on until none has anything to do; batches wait for nothing."""
    work, done = Anchoring(database, ledger, **{"batch_seconds": 0, **settings}), 0
    while count := rounds(work):
        done += count
    return done


def rounds(work: Anchoring) -> int:
    """One of each of the worker's rounds."""
    return sum(round_of(work, channel) for channel in ("general", "police")
               for round_of in (resume, anchor_urgent, anchor_batch))
