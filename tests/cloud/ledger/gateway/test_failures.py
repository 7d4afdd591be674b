import grpc
import pytest

from cloud.ledger.gateway.failures import Detail, GatewayError, TransactionInvalid, validation_name
from tests.support.fake_peer import Failed

Code = grpc.StatusCode


def error(code, message="", *details, step="endorse"):
    return GatewayError.of(step, "ab", Failed(code, message, *details))


def test_details_are_decoded_and_told():
    failure = error(Code.ABORTED, "see details", ("CampusMSP", "127.0.0.1:7051", "one"), ("PoliceMSP", "p:1", "two"))
    assert failure.details == (Detail("CampusMSP", "127.0.0.1:7051", "one"), Detail("PoliceMSP", "p:1", "two"))
    assert str(failure) == "endorse: ABORTED: see details [CampusMSP at 127.0.0.1:7051: one; PoliceMSP at p:1: two]"


def test_unreadable_details_do_not_hide_the_status():
    failure = GatewayError.of("submit", "", Failed(Code.ABORTED, "no", packed=b"\xff\xff\xff"))
    assert (failure.code, failure.message, failure.details) == (Code.ABORTED, "no", ())


# code, message, detail, chaincode code, retry, not allowed, elsewhere: texts as real peers send them
CASES = [
    (Code.ABORTED, "see", "chaincode response 500, CONFLICT: id is there", "CONFLICT", False, False, False),
    (Code.UNKNOWN, "evaluate call to endorser returned error: chaincode response 500, NOTFOUND: x", "",
     "NOTFOUND", False, False, False),
    (Code.ABORTED, "see", "chaincode response 500, FORBIDDEN: no role", "FORBIDDEN", False, True, False),
    (Code.ABORTED, "see", "chaincode response 500, BADARGS: could not launch chaincode",
     "BADARGS", False, False, False),
    (Code.UNKNOWN, "chaincode response 500, Failed to get block number 9, error no such block number", "",
     None, False, False, False),
    (Code.ABORTED, "see", "error in simulation: failed to execute transaction ab: could not launch chaincode sentrybox",
     None, True, False, True),
    (Code.ABORTED, "see", "error in simulation: timeout expired while starting chaincode x", None, True, False, True),
    (Code.ABORTED, "see", "error sending: timeout expired while executing transaction", None, True, False, True),
    (Code.ABORTED, "failed to collect enough transaction endorsements, see attached details for more info",
     "rpc error: code = Unavailable desc = connection error", None, True, False, True),
    (Code.UNKNOWN, "too many requests for /gateway.Gateway, exceeding concurrency limit (500)", "",
     None, True, False, True),
    (Code.UNAVAILABLE, "failed to connect to all addresses", "", None, True, False, True),
    (Code.UNAVAILABLE, "failed to get config for channel [x]: could not get last config for channel x", "",
     None, False, False, True),
    (Code.PERMISSION_DENIED, "Failed to get policy manager for channel [x]", "", None, False, False, False),
    (Code.PERMISSION_DENIED, "whatever", "", None, False, True, False),
    (Code.UNAUTHENTICATED, "expired", "", None, False, True, False),
    (Code.FAILED_PRECONDITION, "error validating proposal: access denied: channel [general] creator org [CampusMSP]",
     "", None, False, True, False),
    (Code.ABORTED, "see", "Failed evaluating policy on signed data during check policy", None, False, True, False),
    (Code.ABORTED, "received unsuccessful response from orderer: status=FORBIDDEN, info=...", "",
     None, False, True, False),
    (Code.FAILED_PRECONDITION, "no peers available to evaluate chaincode x", "", None, False, False, False),
    (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", "", None, True, False, True),
    (Code.CANCELLED, "", "", None, True, False, False),
]


@pytest.mark.parametrize(("code", "message", "detail", "chaincode_code", "retry", "not_allowed", "elsewhere"), CASES)
def test_status_tells_what_to_do(code, message, detail, chaincode_code, retry, not_allowed, elsewhere):
    failure = error(code, message, *([("M", "a:1", detail)] if detail else []))
    assert failure.chaincode_code == chaincode_code
    assert failure.retry is retry
    assert failure.not_allowed is not_allowed
    assert failure.elsewhere is elsewhere


def test_slow_commit_status_says_nothing_about_the_peer():
    assert not error(Code.DEADLINE_EXCEEDED, step="commit status").elsewhere


def test_dead_orderers_are_not_the_peers_fault():
    text = "no orderers could successfully process transaction"
    assert error(Code.UNAVAILABLE, text, ("OrdererMSP", "o:1", "refused"), step="submit").beyond
    assert not error(Code.UNAVAILABLE, "failed to connect to all addresses", step="submit").beyond


def test_invalid_transaction_is_not_tried_again_as_it_is():
    failure = TransactionInvalid("ab", 11, 7)
    assert (failure.name, failure.block, failure.retry, failure.not_allowed) == ("MVCC_READ_CONFLICT", 7, False, False)
    assert "block 7" in str(failure)


def test_newer_validation_codes_have_a_name():
    assert validation_name(0) == "VALID"
    assert validation_name(12345) == "CODE_12345"
