"""A Fabric network of its own for the bench, our client and Hyperledger's Go client on it."""

import json
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from bench._interleaved import Verdict, compared, in_turns
from cloud.ledger.fabric import network, settings
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.profile import ConnectionProfile

GO_CLIENT = Path("var/go/bin/ledger-client")
CHANNEL = "police"
ONE_COUNT, ONE_ROUNDS = 20, 5
MANY_COUNT, MANY_ROUNDS, WORKERS = 1000, 5, 32
# Commit statuses waited for at once; the Go client has up to 400, of the 500 calls that a peer takes.
WAITING = 192
STATUS_S = 30.0


class Ground(NamedTuple):
    """The running network, how long it took from nothing to serving, and our client on the police channel."""

    home: Path
    started_s: float
    profile: ConnectionProfile
    gateway: Gateway
    identity: Identity

    def record(self) -> None:
        """One record, from its endorsement to its commit."""
        endorsed = self._sent()
        self._committed(endorsed)

    def first_commits(self) -> float:
        """Seconds that a first commit on each channel takes, one after the other."""
        start = time.perf_counter()
        for channel in ("general", CHANNEL):
            identity = self.profile.identity(channel)
            endorsed = self.gateway.endorse(identity, channel, self.profile.chaincode, "Record", *arguments())
            self.gateway.settle(identity, channel, endorsed.transaction, endorsed.envelope, STATUS_S)
        return time.perf_counter() - start

    def one_at_a_time(self, count: int) -> float:
        """Records per second."""
        start = time.perf_counter()
        for _ in range(count):
            self.record()
        return count / (time.perf_counter() - start)

    def pipelined(self, count: int) -> float:
        """Records per second by WORKERS threads that endorse and submit while others wait for the commits."""
        slots = threading.BoundedSemaphore(WAITING)

        def wait(transaction: str) -> None:
            try:
                self._committed(transaction)
            finally:
                slots.release()

        start = time.perf_counter()
        with ThreadPoolExecutor(WAITING) as waiting, ThreadPoolExecutor(WORKERS) as workers:
            def send(_number: int) -> Future[None]:
                transaction = self._sent()
                slots.acquire()
                return waiting.submit(wait, transaction)

            for future in workers.map(send, range(count)):
                future.result()
        return count / (time.perf_counter() - start)

    def by_go(self, mode: str, count: int, workers: int) -> float:
        """Records per second of the Go client; its own start does not count."""
        words = [str(GO_CLIENT.resolve()), "--profile", str(self.home / "profiles" / "campus.json"), "--channel",
                 CHANNEL, "--mode", mode, "--count", str(count), "--workers", str(workers)]
        run = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
        if run.returncode:
            raise SystemExit(f"the Go client failed: {run.stderr.strip()}")
        return count / float(json.loads(run.stdout)["seconds"])

    def _sent(self) -> str:
        endorsed = self.gateway.endorse(self.identity, CHANNEL, self.profile.chaincode, "Record", *arguments())
        self.gateway.submit(CHANNEL, endorsed.transaction, endorsed.envelope)
        return endorsed.transaction

    def _committed(self, transaction: str) -> None:
        commit = self.gateway.commit_status(self.identity, CHANNEL, transaction, STATUS_S)
        if commit.code:
            raise SystemExit(f"transaction {transaction} is {commit.name}")


def arguments() -> tuple[str, str, str, str]:
    """Of Record, new."""
    return str(uuid.uuid4()), token_hex(32), "1", "high"


@contextmanager
def ground() -> Iterator[Ground]:
    """Bring the network up in a temporary home; it is removed at the end with all its processes."""
    with tempfile.TemporaryDirectory(prefix="sentrybox-bench-") as scratch:
        home = Path(scratch) / "fabric"
        home.mkdir()
        settings.create(home, usual=False)
        try:
            start = time.perf_counter()
            network.up(home, report=lambda _line: None)
            started = time.perf_counter() - start
            profile = ConnectionProfile.read(home / "profiles" / "campus.json")
            gateway = profile.gateway()
            try:
                yield Ground(home, started, profile, gateway, profile.identity(CHANNEL))
            finally:
                gateway.close()
        finally:
            network.reset(home)


def cold_start(on: Ground) -> Verdict:
    """The first half of (e); call it before anything else is recorded."""
    first = on.first_commits()
    return Verdict("(e) cold start", f"{on.started_s + first:.1f} s from nothing to the first commit on both channels "
                                     f"(serving after {on.started_s:.1f} s)")


def memory(on: Ground) -> Verdict:
    """The second half of (e)."""
    parts = network.status(on.home).parts
    figures = ", ".join(f"{part.part} {part.memory / 2**20:.0f} MB" for part in parts)
    return Verdict("    memory of each process after this bench", figures)


def one_at_a_time(on: Ground) -> tuple[Verdict, float]:
    """(a), and our median rate."""
    ours, theirs = in_turns(lambda: on.one_at_a_time(ONE_COUNT), lambda: on.by_go("one", ONE_COUNT, 1), ONE_ROUNDS)
    return compared("(a) one record at a time, to its commit", "/s", ours, theirs, "Go client", 0.9), \
        statistics.median(ours)


def pipelined(on: Ground) -> Verdict:
    """(b)"""
    ours, theirs = in_turns(lambda: on.pipelined(MANY_COUNT), lambda: on.by_go("pipelined", MANY_COUNT, WORKERS),
                            MANY_ROUNDS)
    return compared(f"(b) pipelined, {WORKERS} workers", "/s", ours, theirs, "Go client", 0.8)
