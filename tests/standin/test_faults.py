"""Dead and hanging parts, and the limit: each answered as a real peer answers it."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from tests.standin import forge
from tests.standin.crypto import Signer
from tests.standin.forge import Caller, Outcome, Proposed, propose
from tests.standin.gateway import LIMIT
from tests.standin.ground import StandinGround
from tests.support.ground import Ground, killed, new_record

ENDORSE = "failed to endorse transaction, see attached details for more info"
COLLECT = "failed to collect enough transaction endorsements, see attached details for more info"
EVALUATE = "failed to evaluate transaction, see attached details for more info"
ORDERERS = "no orderers could successfully process transaction"
# How long a restarted part may need until the others have found it again; a real peer redials with a back-off.
BACK_S = 30


def record(signer: Signer) -> Proposed:
    return propose(signer, "general", "Record", *new_record())


def envelope(caller: Caller, signer: Signer, proposed: Proposed) -> forge.Envelope:
    made = caller.prepared(proposed)
    made.signature = signer.sign(made.payload)
    return made


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + BACK_S
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_dead_orderer(ground: Ground, call, who) -> None:
    caller, signer = call(ground), who(ground, "campus", "recorder")
    made = envelope(caller, signer, record(signer))
    with killed(ground, "orderer"):
        answer = caller.submit("general", made)
        assert (answer.code, answer.message) == ("UNAVAILABLE", ORDERERS)
        ((mspid, said),) = answer.details
        assert mspid == "OrdererMSP"
        assert said.startswith('rpc error: code = Unavailable desc = connection error: desc = "transport: ')
        assert said.endswith('connect: connection refused"')
    until(lambda: caller.submit("general", made).code == "OK")


def test_a_dead_chaincode(ground: Ground, call, who) -> None:
    """Evaluate goes to the other organisation, Endorse does not unless it is told."""
    caller, signer = call(ground), who(ground, "campus", "recorder")
    caller.evaluate(record(signer))
    with killed(ground, "chaincode-campus"):
        answer = caller.endorse(record(signer))
        assert (answer.code, answer.message, answer.details[0][0]) == ("ABORTED", ENDORSE, "CampusMSP")
        # In the first moment a peer may still be sending to it, or see its stream end.
        assert answer.details[0][1].startswith("error in simulation: ")
        until(lambda: "could not launch chaincode" in caller.endorse(record(signer)).details[0][1])
        assert caller.evaluate(record(signer)).code == "OK"
        assert caller.endorse(record(signer), "PoliceMSP").code == "OK"
        answer = caller.endorse(record(signer))
        assert "could not launch chaincode sentrybox_1:" in answer.details[0][1]
        assert answer.details[0][1].endswith('connect: connection refused"')
        answer = caller.evaluate(record(signer), "CampusMSP")
        assert (answer.code, answer.message, answer.details[0][0]) == ("ABORTED", EVALUATE, "CampusMSP")
        answer = caller.endorse(record(signer), "CampusMSP", "PoliceMSP")
        assert (answer.code, answer.message, answer.details[0][0]) == ("ABORTED", COLLECT, "CampusMSP")
    until(lambda: caller.endorse(record(signer)).code == "OK")


def test_the_other_organisations_dead_peer(ground: Ground, call, who) -> None:
    caller, police, signer = call(ground), call(ground, "police"), who(ground, "campus", "recorder")
    assert caller.endorse(record(signer), "PoliceMSP").code == "OK"
    stream = police.events(signer, "general")
    with killed(ground, "peer-police"):
        with pytest.raises(grpc.RpcError) as error:
            next(stream)
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert police.evaluate(record(signer)).code == "UNAVAILABLE"
        answer = caller.evaluate(record(signer), "PoliceMSP")
        assert (answer.code, answer.message) == ("UNAVAILABLE", EVALUATE)
        assert answer.details[0][0] == "PoliceMSP"
        answer = caller.endorse(record(signer), "PoliceMSP")
        assert (answer.code, answer.message) == ("ABORTED", COLLECT)
        assert caller.evaluate(record(signer)).code == "OK"
        proposed = record(signer)
        caller.submit("general", envelope(caller, signer, proposed))
        assert caller.status(signer, "general", proposed.transaction).value.result == 0
    until(lambda: police.status(signer, "general", proposed.transaction, 1.0).code == "OK")


# What can be done to the stand-in only, or at a price only there.


def test_a_killed_orderer_forgets_what_it_did_not_cut(standin: StandinGround, call, who) -> None:
    caller, signer = call(standin), who(standin, "campus", "recorder")
    proposed = record(signer)
    made = envelope(caller, signer, proposed)
    assert caller.submit("general", made).code == "OK"
    standin.kill("orderer")
    standin.start("orderer")
    assert caller.status(signer, "general", proposed.transaction, 1.0).code in ("DEADLINE_EXCEEDED", "CANCELLED")
    assert caller.submit("general", made).code == "OK"
    assert caller.status(signer, "general", proposed.transaction).value.result == 0


def test_a_hanging_and_a_refusing_orderer(standin: StandinGround, call, who) -> None:
    caller, signer = call(standin), who(standin, "campus", "recorder")
    made = envelope(caller, signer, record(signer))
    standin.orderer.hanging = True
    try:
        assert caller.submit("general", made, 0.5).code == "DEADLINE_EXCEEDED"
    finally:
        standin.orderer.hanging = False
    standin.orderer.refusing = True
    try:
        assert caller.submit("general", made) == Outcome("UNAVAILABLE", ORDERERS)
    finally:
        standin.orderer.refusing = False
    assert caller.submit("general", made).code == "OK"


def test_a_hanging_chaincode(standin: StandinGround, call, who) -> None:
    caller, signer = call(standin), who(standin, "campus", "recorder")
    assert caller.endorse(record(signer)).code == "OK"
    pid = standin.pid("chaincode-campus")
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = caller.endorse(record(signer))
        assert (answer.code, answer.message) == ("ABORTED", ENDORSE)
        assert answer.details[0][1].endswith("error sending: timeout expired while executing transaction")
        assert caller.evaluate(record(signer)).code == "OK"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert caller.endorse(record(signer)).code == "OK"


def test_a_chaincode_killed_while_it_runs(standin: StandinGround, call, who) -> None:
    caller, signer = call(standin), who(standin, "campus", "recorder")
    assert caller.endorse(record(signer)).code == "OK"
    os.kill(standin.pid("chaincode-campus"), signal.SIGSTOP)
    answers: list[Outcome] = []
    thread = threading.Thread(target=lambda: answers.append(caller.endorse(record(signer))))
    thread.start()
    time.sleep(0.1)  # so that it is sent
    with killed(standin, "chaincode-campus"):
        thread.join()
    ((_, said),) = answers[0].details
    assert said.endswith("chaincode stream terminated")
    assert caller.endorse(record(signer)).code == "OK"


def test_a_chaincode_of_another_package(standin: StandinGround, call, who) -> None:
    caller, signer = call(standin), who(standin, "campus", "recorder")
    standin.kill("chaincode-campus")
    standin.start("chaincode-campus", package_id=f"sentrybox_1:{'0' * 64}")
    try:
        answer = caller.endorse(record(signer))
        assert (answer.code, answer.message) == ("ABORTED", ENDORSE)
        assert answer.details[0][1].endswith(
            f"could not launch chaincode {standin.package_id}: "
            f"timeout expired while starting chaincode {standin.package_id} for transaction"
        )
    finally:
        standin.kill("chaincode-campus")
        standin.start("chaincode-campus")
    assert caller.endorse(record(signer)).code == "OK"


def test_a_caller_without_the_organisations_certificate_is_no_peer_to_a_chaincode(
    standin: StandinGround, call, who, tmp_path: Path
) -> None:
    """The link is mutual TLS: the real process lets nobody in without a certificate."""
    address = standin.peers["campus"]._link.address
    authority = (standin.home / "organisations" / "campus" / "chaincode" / "ca.crt").read_bytes()
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(authority)) as channel:
        connect = channel.stream_stream("/protos.Chaincode/Connect")
        with pytest.raises(grpc.RpcError) as error:
            next(connect(iter(()), timeout=5))
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE


def test_more_calls_than_the_limit(standin: StandinGround, call, who) -> None:
    """A cancelled stream keeps its slot until its channel's next block."""
    caller, police, signer = call(standin), call(standin, "police"), who(standin, "campus", "recorder")
    too_many = Outcome("UNKNOWN", f"too many requests for /gateway.Gateway, exceeding concurrency limit ({LIMIT})")
    streams = [caller.events(signer, "general") for _ in range(LIMIT)]

    def full() -> bool:
        if caller.evaluate(record(signer)) == too_many:
            return True
        # This very call may have had the slot that a stream then did not get.
        streams.append(caller.events(signer, "general"))
        return False

    until(full)
    assert caller.status(signer, "general", "x", 1.0) == too_many
    for stream in streams:
        stream.cancel()
    assert caller.evaluate(record(signer)) == too_many
    proposed = record(signer)
    police.submit("general", envelope(police, signer, proposed))
    assert police.status(signer, "general", proposed.transaction).value.result == 0
    until(lambda: caller.evaluate(record(signer)).code == "OK")
