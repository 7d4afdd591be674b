"""Takes records from the queue in the database to the ledger. May stop anywhere, also by force, and be repeated.

What concerns the police (contract.policy) goes at once, each record in a transaction of its own on each of its
channels, several at a time; the rest goes on the general log in batches. A transaction is stored before it is sent, and
the same one is sent again until there is an answer: so nothing is lost and nothing is there twice, whatever stops in
between.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from cloud.database.engine import Database
from cloud.database.ledger import jobs, submissions
from cloud.database.ledger.jobs import JobClaim
from cloud.database.ledger.submissions import Submission
from contract.errors import Conflict, NotFound, Rejected, Stale, Unavailable
from contract.ledger import LedgerChannel
from contract.moments import from_text, now, to_text
from contract.ports import Ledger, Prepared

log = logging.getLogger(__name__)

LEASE_S = 60.0
"""How long a worker has jobs for itself; longer than any one step of the ledger takes (see FabricLedger)."""
AT_A_TIME = 16
"""Transactions that are under way at once on a channel."""
ROUND = 64
"""Urgent records or open transactions that one round takes before it looks around again."""
BATCHES = 4
"""Batches that one round takes, all at once: urgent records wait for no more than these."""
REFILL_S = 0.1
"""Seconds between looks for what came in while transactions are under way."""
BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds to wait after the first, second, ... failure; the last one repeats, for ever."""


@dataclass(frozen=True)
class Anchoring:
    """The parts that the rounds work with. A batch has up to `batch_size` records, and none waits longer than
    `batch_seconds`.
    """

    database: Database
    ledger: Ledger
    batch_size: int = 200
    batch_seconds: float = 5.0
    clock: Callable[[], str] = now

    def later(self, seconds: float) -> str:
        """Return the Instant that many seconds from now."""
        return to_text(from_text(self.clock()) + timedelta(seconds=seconds))


def anchor_urgent(work: Anchoring, channel: LedgerChannel) -> int:
    """Put the urgent records that are due on this channel, each by itself; return how many transactions and parked
    records that made. Raises Unavailable, with every job left as it was, when the channel cannot be written on."""
    def due() -> bool:
        with work.database.read() as session:
            return jobs.any_due(session, channel, work.clock(), urgent=True)

    def take(count: int) -> list[Callable[[], int]]:
        if not due():
            return []
        with work.database.write() as session:
            claim = jobs.claim_urgent(session, channel, work.clock(), count, LEASE_S)
        singles = [claim._replace(jobs=[job]) for job in claim.jobs]
        return [partial(_begin, work, channel, one) for one in singles]

    if not due():
        return 0
    work.ledger.check(channel)
    return _several_at_a_time(take, ROUND)


def anchor_batch(work: Anchoring, channel: LedgerChannel) -> int:
    """Put the next batches on this channel, if they are due; return as anchor_urgent, raises as it."""
    def due() -> bool:
        with work.database.read() as session:
            return jobs.any_due(session, channel, work.clock(), urgent=False)

    def take(count: int) -> list[Callable[[], int]]:
        steps: list[Callable[[], int]] = []
        while len(steps) < count and due():
            with work.database.write() as session:
                claim = jobs.claim_batch(
                    session, channel, work.clock(), work.batch_size, work.later(-work.batch_seconds), LEASE_S
                )
            if not claim.jobs:
                break
            steps.append(partial(_begin, work, channel, claim))
        return steps

    if not due():
        return 0
    work.ledger.check(channel)
    return _several_at_a_time(take, BATCHES)


def resume(work: Anchoring, channel: LedgerChannel) -> int:
    """Send the transactions again of which it is not known what became of them; return how many now are anchored.
    Raises as anchor_urgent."""
    def due() -> bool:
        with work.database.read() as session:
            return submissions.any_due(session, channel, work.clock())

    def take(count: int) -> list[Callable[[], int]]:
        if not due():
            return []
        with work.database.write() as session:
            found = submissions.claim_due(session, channel, work.clock(), count, LEASE_S)
        return [partial(_finish, work, one) for one in found]

    if not due():
        return 0
    work.ledger.check(channel)
    return _several_at_a_time(take, ROUND)


def _several_at_a_time(take: Callable[[int], list[Callable[[], int]]], most: int) -> int:
    """Keep up to AT_A_TIME steps under way until there are no more, or `most` were begun."""
    done, begun = 0, 0
    running: set[Future[int]] = set()
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="anchoring") as pool:
        while True:
            room = min(AT_A_TIME - len(running), most - begun)
            steps = take(room) if room else []
            begun += len(steps)
            running |= {pool.submit(step) for step in steps}
            if not running:
                return done
            finished, running = wait(running, timeout=REFILL_S, return_when=FIRST_COMPLETED)
            done += sum(_result(future) for future in finished)


def _result(future: Future[int]) -> int:
    try:
        return future.result()
    except Exception:
        # Whatever it was, it must not keep the others; its lease runs out, and it is tried again.
        log.exception("a record could not be anchored")
        return 0


def _begin(work: Anchoring, channel: LedgerChannel, claim: JobClaim) -> int:
    """From a claim to anchored records: prepare, store, send."""
    done = 0
    for part, outcome in _prepare(work, channel, claim):
        if isinstance(outcome, Prepared):
            with work.database.write() as session:
                submission = submissions.store(session, part, outcome, work.clock(), LEASE_S)
            if submission is None:
                log.info("%d records of the %s channel were taken over by another worker", len(part.jobs), channel)
                continue
            done += _finish(work, submission)
        elif isinstance(outcome, Unavailable | Stale):
            attempts = max(job.attempts for job in part.jobs)
            seconds = _back_off(attempts)
            log.warning("%d records of the %s channel wait %g s: %s", len(part.jobs), channel, seconds, outcome)
            with work.database.write() as session:
                jobs.retry(session, part, work.later(seconds), str(outcome))
        else:
            ids = ", ".join(job.record.id for job in part.jobs)
            log.error("%s will never be on the %s channel and was parked: %s", ids, channel, outcome)
            with work.database.write() as session:
                jobs.park(session, part, f"{channel}: {outcome}")
            done += 1
    return done


def _prepare(
    work: Anchoring, channel: LedgerChannel, claim: JobClaim
) -> Iterator[tuple[JobClaim, Prepared | Conflict | Rejected | Unavailable | Stale]]:
    try:
        yield claim, work.ledger.prepare(channel, [job.record for job in claim.jobs])
    except (Unavailable, Stale) as error:
        yield claim, error
    except (Conflict, Rejected) as error:
        if len(claim.jobs) == 1:
            yield claim, error
            return
        # One of them is bad: halve until it stands alone, and the others go on.
        middle = len(claim.jobs) // 2
        for half in (claim.jobs[:middle], claim.jobs[middle:]):
            yield from _prepare(work, channel, claim._replace(jobs=half))


def _finish(work: Anchoring, submission: Submission) -> int:
    """Send a stored transaction until there is an answer, and note it. Whoever does it twice changes nothing."""
    prepared = submission.prepared
    what = f"transaction {prepared.transaction} of {len(prepared.records)} records on {prepared.channel}"
    try:
        anchor = work.ledger.commit(prepared)
        inclusions = work.ledger.prove(anchor, prepared.records)
    except (Unavailable, Rejected, NotFound) as error:
        # Refused or not: it may have been taken before, so only the ledger's own word lets us prepare another.
        seconds = _back_off(submission.attempts)
        log.warning("%s is not confirmed yet, again in %g s: %s", what, seconds, error)
        with work.database.write() as session:
            submissions.hold(session, submission, work.later(seconds), str(error))
        return 0
    except (Stale, Conflict) as error:
        seconds = _back_off(submission.prepared_times)
        log.warning("%s will never take effect, its records are prepared anew in %g s: %s", what, seconds, error)
        with work.database.write() as session:
            submissions.give_up(session, submission, work.later(seconds), str(error))
        return 0
    with work.database.write() as session:
        submissions.anchored(session, submission, anchor, inclusions)
    return 1


def _back_off(attempts: int) -> float:
    return BACK_OFF_S[min(attempts, len(BACK_OFF_S)) - 1]
