"""Parts of the network die. Nothing that was promised is lost, and nothing has effect twice."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from cloud.ledger.gateway.client import Commit
from cloud.ledger.gateway.failures import GatewayError
from tests.support.ground import Client, Ground, killed, new_record, patiently

Code = grpc.StatusCode


def passing(call: Callable[[], object]) -> GatewayError:
    """The error of a call that may be tried again later."""
    with pytest.raises(GatewayError) as caught:
        call()
    assert caught.value.retry, caught.value
    assert not caught.value.not_allowed, caught.value
    return caught.value


def test_orderer_dead_before_submit(ground: Ground, recorder: Client) -> None:
    endorsed = recorder.endorse("Record", *new_record())
    with killed(ground, "orderer") as restart:
        error = passing(lambda: recorder.submit(endorsed))
        assert error.code is Code.UNAVAILABLE
        assert "no orderers could successfully process transaction" in error.message
        assert error.details[0].mspid == "OrdererMSP"
        assert passing(lambda: recorder.settle(endorsed, wait_s=2)).step == "submit"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(recorder.settle, endorsed)
            restart()
            assert waiting.result().name == "VALID"


def test_orderer_killed_while_many_are_under_way(ground: Ground, guarded: Client) -> None:
    before = len(guarded.chain())
    everyone = [guarded.endorse("Record", *new_record()) for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(guarded.settle, endorsed) for endorsed in everyone]
        results[0].result()
        with killed(ground, "orderer"):
            pass
        assert {result.result().name for result in results} == {"VALID"}
    counts = Counter(guarded.valid(before))
    assert {endorsed.transaction: counts[endorsed.transaction] for endorsed in everyone} == dict.fromkeys(
        (endorsed.transaction for endorsed in everyone), 1)


def test_orderer_forgets_what_it_took_and_the_same_envelope_comes_through(ground: Ground, recorder: Client) -> None:
    everyone = [recorder.endorse("Record", *new_record()) for _ in range(5)]
    recorder.write("Record", *new_record())  # so the next block is a whole batch timeout away
    for endorsed in everyone:
        recorder.submit(endorsed)
    ground.kill("orderer")
    ground.start("orderer")
    assert passing(lambda: recorder.status(everyone[0], timeout_s=2)).step == "commit status"  # taken, and gone
    with ThreadPoolExecutor(5) as pool:
        assert {commit.name for commit in pool.map(recorder.settle, everyone)} == {"VALID"}
    counts = Counter(recorder.valid())
    assert [counts[endorsed.transaction] for endorsed in everyone] == [1] * 5


def test_settle_sends_again_what_the_orderer_forgot(
    ground: Ground, recorder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    endorsed = recorder.endorse("Record", *new_record())
    submit, taken = recorder.gateway.submit, threading.Semaphore(0)

    def watched(*args: object, **options: object) -> None:
        submit(*args, **options)
        taken.release()

    monkeypatch.setattr(recorder.gateway, "submit", watched)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(recorder.settle, endorsed)
        assert taken.acquire(timeout=10)
        ground.kill("orderer")  # within the batch timeout: nothing is cut yet
        ground.start("orderer")
        assert waiting.result().name == "VALID"
    assert taken.acquire(blocking=False)  # a second time
    assert recorder.valid().count(endorsed.transaction) == 1


def test_what_is_in_a_block_stays_known_without_an_orderer(ground: Ground, guarded: Client) -> None:
    endorsed, first = guarded.write("Record", *new_record())
    with killed(ground, "orderer"):
        assert guarded.status(endorsed) == first
        assert guarded.settle(endorsed) == first  # the repeat is refused; the answer is there all the same


def test_peer_killed(ground: Ground, guarded: Client, member: Callable[..., Client]) -> None:
    alone = member("campussec", "recorder", "police", peers=("CampusMSP",))
    args = new_record()
    endorsed, _ = alone.write("Record", *args)
    with killed(ground, "peer-campus"):
        for call in (lambda: alone.evaluate("Get", args[0]), lambda: alone.endorse("Record", *new_record()),
                     lambda: alone.submit(endorsed), lambda: alone.status(endorsed)):
            assert passing(call).code is Code.UNAVAILABLE
        stream = alone.gateway.open_events(alone.identity, "police", "sentrybox", 0)
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() is Code.UNAVAILABLE
        assert guarded.write("Record", *new_record())[1].name == "VALID"  # the other peer does it
        assert guarded.evaluate("Get", args[0])
    assert patiently(lambda: alone.write("Record", *new_record()))[1].name == "VALID"  # found again


def test_peer_killed_between_submit_and_status(ground: Ground, guarded: Client) -> None:
    endorsed = guarded.endorse("Record", *new_record())
    guarded.submit(endorsed)
    with killed(ground, "peer-campus"):
        assert guarded.settle(endorsed).name == "VALID"
    with killed(ground, "peer-police"):
        assert guarded.settle(endorsed).name == "VALID"
    assert Counter(guarded.valid())[endorsed.transaction] == 1


def test_chaincode_killed(ground: Ground, guarded: Client, member: Callable[..., Client]) -> None:
    args = new_record()
    guarded.write("Record", *args)
    alone = member("campussec", "recorder", "police", peers=("CampusMSP",))
    with killed(ground, "chaincode-campus"):
        error = passing(lambda: alone.endorse("Record", *new_record()))
        assert error.code is Code.ABORTED
        assert "could not launch chaincode" in error.details[0].message
        # The peer asks the other organisation's by itself, when it knows that one (an earlier test killed it).
        assert patiently(lambda: alone.evaluate("Get", args[0]))
        assert alone.settle(alone.endorse("Record", *new_record(), organisations=("PoliceMSP",))).name == "VALID"
        assert guarded.write("Record", *new_record())[1].name == "VALID"  # the client goes to the other peer
    assert alone.write("Record", *new_record())[1].name == "VALID"


def test_every_part_killed_in_turn_loses_and_doubles_nothing(ground: Ground, guarded: Client) -> None:
    before = len(guarded.chain())

    def write(_: int) -> tuple[str, Commit]:
        args = new_record()
        endorsed = patiently(lambda: guarded.endorse("Record", *args))
        return endorsed.transaction, guarded.settle(endorsed)

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(write, number) for number in range(60)]
        for part in ("orderer", "peer-campus", "chaincode-police", "peer-police", "chaincode-campus"):
            with killed(ground, part):
                pass
        done = [result.result() for result in results]
    assert {commit.name for _, commit in done} == {"VALID"}
    counts = Counter(guarded.valid(before))
    assert [counts[transaction] for transaction, _ in done] == [1] * 60
