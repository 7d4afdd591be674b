"""Writes our word on the ledger about each entry somebody was told of. May stop anywhere and be repeated."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol

from cloud.database.engine import Database
from cloud.ledger.gateway.failures import GatewayError, TransactionInvalid
from contract.moments import to_text
from police.channel import Word
from police.database import acknowledgements as queue
from police.database.tables import PoliceAcknowledgementRow

BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds to wait after the first, second, ... failure; the last one repeats, for ever: the page shows why."""
AT_ONCE = 10
log = logging.getLogger(__name__)


class WordChannel(Protocol):
    """channel.Channel, as far as it is needed here."""

    def word(self, record: str) -> Word: ...
    def send(self, transaction: str, envelope: bytes) -> int: ...


def acknowledge_once(database: Database, ledger: WordChannel, now: Callable[[], datetime]) -> int:
    """Work off what is due; return how many reached the ledger."""
    with database.read() as session:
        rows = queue.due(session, to_text(now()), AT_ONCE)
    if not rows:
        return 0
    # At once, since transactions share blocks and each waits for its own.
    with ThreadPoolExecutor(max_workers=len(rows), thread_name_prefix="acknowledge") as pool:
        return sum(pool.map(lambda row: _acknowledge(database, ledger, row, now), rows))


def _acknowledge(database: Database, ledger: WordChannel, row: PoliceAcknowledgementRow, now: Callable[[], datetime]
                 ) -> bool:
    transaction, envelope = row.transaction_id, row.envelope
    block: int | None = None
    try:
        if envelope is None:
            word = ledger.word(row.entry)
            transaction, envelope = word.standing or word.transaction, word.envelope
            if not word.standing:
                with database.write() as session:
                    queue.prepared(session, row.entry, transaction, envelope)
                block = ledger.send(transaction, envelope)
        else:
            block = ledger.send(transaction, envelope)
    except GatewayError as error:
        wait = BACK_OFF_S[min(row.attempts, len(BACK_OFF_S) - 1)]
        log.warning("entry %s is not acknowledged on the ledger yet, next try in %g s: %s", row.entry, wait, error)
        # An envelope may come through however its sending ended, so it is kept; unless it has no effect, or is signed
        # as somebody who is not allowed any more. Then a new one is safe: the chaincode takes our word once.
        keep = not (isinstance(error, TransactionInvalid) or error.not_allowed)
        with database.write() as session:
            queue.later(session, row.entry, to_text(now() + timedelta(seconds=wait)), error.message,
                        keep_envelope=keep)
        return False
    with database.write() as session:
        queue.written(session, row.entry, transaction, block)
    return True
