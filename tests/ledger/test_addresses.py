"""Channels and chaincodes that there are not: errors for good, of which none may be taken for an outage."""

import grpc
import pytest

from cloud.ledger.gateway.failures import GatewayError
from tests.support.ground import CHAINCODE, Client, new_record

Code = grpc.StatusCode


def failure(call, *args) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        call(*args)
    assert not caught.value.retry, caught.value
    assert not caught.value.not_allowed, caught.value
    return caught.value


def test_unknown_channel_is_permanent(recorder: Client) -> None:
    endorsed = recorder.endorse("Record", *new_record())
    recorder.channel = "nowhere"
    error = failure(recorder.evaluate, "Get", new_record()[0])
    assert (error.code, error.details) == (Code.UNAVAILABLE, ())
    assert "failed to get config for channel" in error.message
    assert failure(recorder.endorse, "Record", *new_record()).code is Code.FAILED_PRECONDITION
    assert failure(recorder.submit, endorsed).code is Code.FAILED_PRECONDITION
    assert failure(recorder.status, endorsed).code is Code.PERMISSION_DENIED
    stream = recorder.gateway.open_events(recorder.identity, "nowhere", CHAINCODE, 0)
    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    assert caught.value.code() is Code.PERMISSION_DENIED


def test_unknown_chaincode_is_permanent(recorder: Client) -> None:
    def ask(call):
        return failure(lambda: call(recorder.identity, "general", "nothing", "Get", new_record()[0]))

    error = ask(recorder.gateway.evaluate)
    assert error.code is Code.FAILED_PRECONDITION
    assert "no peers available to evaluate" in error.message
    assert ask(recorder.gateway.endorse).code is Code.FAILED_PRECONDITION
