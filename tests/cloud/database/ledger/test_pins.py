"""Which ledger a database wrote on: kept from the first time, forgotten only by starting over."""

from cloud.database.ledger import jobs, standing
from cloud.database.ledger.pins import GenesisPins, start_over
from contract.ids import new_id
from contract.ledger import LedgerRecord
from tests.support.faulty_ledger import FaultyLedger
from tests.support.ledgers import anchor_all

OURS, OTHER = "ab" * 32, "cd" * 32
LATER = "2999-01-01T00:00:00.000Z"


def test_the_first_hash_is_kept_per_channel_also_after_a_restart(database):
    pins = GenesisPins(database)
    assert (pins("general", OURS), pins("general", OTHER), pins("police", OTHER)) == (OURS, OURS, OTHER)
    assert GenesisPins(database)("general", OTHER) == OURS


def test_starting_over_queues_all_but_what_is_parked_and_keeps_the_old_proofs_meanwhile(database):
    GenesisPins(database)("general", OURS)
    anchored, waiting, parked = (LedgerRecord(id=new_id(), commitment="ab" * 32, severity="high") for _ in range(3))
    with database.write() as session:
        jobs.add(session, anchored, ("general", "police"), "gate-1", at_once=True)
    assert anchor_all(database, FaultyLedger()) == 2
    with database.write() as session:
        jobs.add(session, parked, ("general",), "gate-1", at_once=False)
        claim = jobs.claim_batch(session, "general", LATER, 1, LATER, 60)
        jobs.park(session, claim, "bad")
        jobs.add(session, waiting, ("general",), "gate-1", at_once=False)
    assert start_over(database) == 3
    with database.read() as session:
        states = [standing.standing(session, record.id).status for record in (anchored, waiting, parked)]
        before = standing.where_anchored(session, anchored.id)
    assert states == ["recorded", "recorded", "parked"]
    assert len(before) == 2
    other = FaultyLedger()
    assert anchor_all(database, other) == 3
    assert GenesisPins(database)("general", OTHER) == OTHER
    assert [other.times(channel, anchored) for channel in ("general", "police")] == [1, 1]
    assert other.times("general", parked) == 0
