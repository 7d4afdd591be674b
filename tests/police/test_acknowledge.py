"""Our word on the ledger: after somebody was told, once, through kills and refusals."""

import grpc
import pytest

from cloud.database.telling import deliveries
from cloud.ledger.gateway.failures import GatewayError, TransactionInvalid
from police.acknowledge import acknowledge_once
from police.channel import Word
from police.database import acknowledgements
from tests.police.conftest import put_entry

AWAY = GatewayError("endorse", "", grpc.StatusCode.UNAVAILABLE, "no peer")
EXPIRED = GatewayError("submit", "t", grpc.StatusCode.PERMISSION_DENIED, "certificate has expired")


class Kill(BaseException):
    """The process dies."""


class ScriptedLedger:
    """Does what the scripts say, call by call; takes each envelope's word once."""

    def __init__(self) -> None:
        self.words: list = []
        self.sends: list = []
        self.made = 0
        self.sent: list[tuple[str, bytes]] = []
        self.standing: dict[str, str] = {}

    def word(self, record: str) -> Word:
        step = self.words.pop(0) if self.words else None
        if step is not None:
            raise step
        self.made += 1
        return Word(f"tx{self.made}", f"{record}|tx{self.made}".encode(), self.standing.get(record, ""))

    def send(self, transaction: str, envelope: bytes) -> int:
        self.sent.append((transaction, envelope))
        step = self.sends.pop(0) if self.sends else None
        record = envelope.decode().split("|")[0]
        if isinstance(step, tuple):
            self.standing.setdefault(record, transaction)
            raise step[0]
        if step is not None:
            raise step
        self.standing.setdefault(record, transaction)
        return 9


@pytest.fixture
def ledger():
    return ScriptedLedger()


def tell(database, entry, state="accepted"):
    with database.write() as session:
        for delivery in deliveries.for_subject(session, entry):
            deliveries.settle(session, delivery.id, state)


def row(database, entry):
    with database.read() as session:
        return acknowledgements.get(session, entry)


def test_only_after_a_contact_was_told(database, ledger, clock):
    entry = put_entry(database)
    assert acknowledge_once(database, ledger, clock) == 0
    tell(database, entry, "failed")
    assert acknowledge_once(database, ledger, clock) == 0 and ledger.made == 0
    with database.write() as session:
        [delivery] = deliveries.for_subject(session, entry)
        deliveries.acknowledge_alone(session, delivery.id, "2026-11-23T20:00:00.000Z")
    assert acknowledge_once(database, ledger, clock) == 1
    assert (row(database, entry).state, row(database, entry).transaction_id, row(database, entry).block) == (
        "acknowledged", "tx1", 9)
    assert acknowledge_once(database, ledger, clock) == 0 and len(ledger.sent) == 1


def test_a_peer_that_is_away_is_asked_again_with_a_back_off_and_the_reason_is_kept(database, ledger, clock):
    entry = put_entry(database)
    tell(database, entry)
    ledger.words = [AWAY, AWAY]
    acknowledge_once(database, ledger, clock)
    assert row(database, entry).reason == "no peer"
    assert acknowledge_once(database, ledger, clock) == 0 and len(ledger.words) == 1, "not before it is due"
    clock.later(1.5)
    acknowledge_once(database, ledger, clock)
    clock.later(2.5)
    assert acknowledge_once(database, ledger, clock) == 1 and row(database, entry).reason == ""


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_kill_in_the_middle_of_sending_the_same_envelope_is_sent(database, ledger, clock, arrived):
    entry = put_entry(database)
    tell(database, entry)
    ledger.sends = [(Kill(),) if arrived else Kill()]
    with pytest.raises(Kill):
        acknowledge_once(database, ledger, clock)
    assert row(database, entry).state == "queued" and row(database, entry).envelope
    assert acknowledge_once(database, ledger, clock) == 1
    assert ledger.made == 1 and ledger.sent[0] == ledger.sent[1]


def test_an_unclear_end_keeps_the_envelope(database, ledger, clock):
    entry = put_entry(database)
    tell(database, entry)
    ledger.sends = [GatewayError("commit status", "tx1", grpc.StatusCode.DEADLINE_EXCEEDED, "no block")]
    acknowledge_once(database, ledger, clock)
    clock.later(2)
    acknowledge_once(database, ledger, clock)
    assert ledger.made == 1 and row(database, entry).state == "acknowledged"


@pytest.mark.parametrize("error", [TransactionInvalid("tx1", 11, 4), EXPIRED])
def test_an_envelope_that_will_never_do_is_made_anew(database, ledger, clock, error):
    entry = put_entry(database)
    tell(database, entry)
    ledger.sends = [error]
    acknowledge_once(database, ledger, clock)
    assert row(database, entry).envelope is None and row(database, entry).reason
    clock.later(2)
    assert acknowledge_once(database, ledger, clock) == 1
    assert [transaction for transaction, _ in ledger.sent] == ["tx1", "tx2"]


def test_a_word_that_stands_already_is_found_and_nothing_is_sent(database, ledger, clock):
    entry = put_entry(database)
    tell(database, entry)
    ledger.standing[entry] = "earlier"
    assert acknowledge_once(database, ledger, clock) == 1
    assert ledger.sent == [] and row(database, entry).transaction_id == "earlier"


def test_one_that_fails_holds_up_no_other(database, ledger, clock):
    entries = [put_entry(database) for _ in range(25)]
    for entry in entries:
        tell(database, entry)
    ledger.words = [AWAY]
    done = 0
    for _ in range(4):
        done += acknowledge_once(database, ledger, clock)
    assert done == 24
    clock.later(2)
    assert acknowledge_once(database, ledger, clock) == 1
    assert {row(database, entry).state for entry in entries} == {"acknowledged"}
