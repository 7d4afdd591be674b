"""The framing: what goes in comes out; what is malformed is named; the server outlives every client."""

import json
import socket
import struct
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vision.wire import framing
from vision.wire.framing import FrameError
from vision.wire.server import Server

KINDS = sorted(framing.TO_WORKER | framing.FROM_WORKER)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32,
                                                                                      allow_infinity=False),
                      lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))


def read(data: bytes) -> framing.Frame:
    position = 0

    def exactly(count: int) -> bytes:
        nonlocal position
        position += count
        if position > len(data):
            raise EOFError
        return data[position - count:position]

    return framing.read_frame(exactly)


@given(st.sampled_from(KINDS), st.dictionaries(st.text(), VALUES, max_size=5), st.binary(max_size=200))
def test_a_frame_comes_out_as_it_went_in(kind, fields, blob):
    assert read(framing.encode(kind, fields, blob)) == (kind, fields, blob)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_frame_error(data):
    try:
        read(data)
    except (FrameError, EOFError):
        return
    assert data.startswith(framing.MAGIC)


@pytest.mark.parametrize(("header", "named"), [
    ((b"XX", 1, 2, 2, 0), "magic"), ((b"SB", 9, 2, 2, 0), "version 9"), ((b"SB", 1, 40, 2, 0), "kind 40"),
    ((b"SB", 1, 2, framing.MAX_JSON + 1, 0), "JSON part of"), ((b"SB", 1, 2, 2, framing.MAX_BLOB + 1), "blob of"),
])
def test_a_wrong_header_is_refused_by_name(header, named):
    with pytest.raises(FrameError, match=named):
        framing.decode_header(struct.pack("!2sBBII", *header))


@pytest.mark.parametrize("text", [b"[1]", b"{", b"\xff\xfe", b"[" * 100000, b'"x"'])
def test_a_json_part_that_is_no_object_is_refused(text):
    with pytest.raises(FrameError, match="JSON part"):
        framing.decode_fields(text)


def test_what_is_too_large_is_not_sent():
    with pytest.raises(FrameError, match="blob of"):
        framing.encode(framing.STILL, {}, bytes(framing.MAX_BLOB + 1))


@pytest.fixture
def served(tmp_path):
    """A server that answers each still with its id, and a function that connects to it."""
    path = tmp_path / "s.sock"
    left, before = threading.Semaphore(0), set(threading.enumerate())
    server = Server(path, lambda client: client.send(framing.WORKER_HELLO, {"version": 1}),
                    lambda client, frame: client.send(framing.FACES, {"id": frame.fields.get("id")}),
                    lambda client: left.release())
    server.start()

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(path))
        return connection

    connect.left, connect.path, connect.server, connect.before = left, path, server, before
    yield connect
    server.close()


def frame_from(connection: socket.socket) -> framing.Frame:
    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = connection.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    return framing.read_frame(exactly)


def test_the_socket_belongs_to_its_owner_alone(served):
    assert served.path.stat().st_mode & 0o777 == 0o600


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=200) | st.binary(max_size=60).map(lambda rest: b"SB\x01" + rest))
def test_no_bytes_end_the_server(served, data):
    bad = served()
    bad.sendall(data)
    bad.shutdown(socket.SHUT_WR)
    assert frame_from(bad).kind == framing.WORKER_HELLO
    while bad.recv(4096):
        pass
    good = served()
    good.sendall(framing.encode(framing.STILL, {"id": "x"}))
    assert frame_from(good).kind == framing.WORKER_HELLO
    assert frame_from(good).fields == {"id": "x"}
    good.close()


def test_a_malformed_frame_is_answered_with_its_reason_and_closed(served):
    connection = served()
    frame_from(connection)
    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    answer = frame_from(connection)
    assert answer.kind == framing.ERROR
    assert "magic" in answer.fields["reason"]
    assert connection.recv(10) == b""


def test_a_kind_that_only_the_worker_sends_is_refused(served):
    connection = served()
    frame_from(connection)
    connection.sendall(framing.encode(framing.OBSERVATION, {}))
    assert "only the worker" in frame_from(connection).fields["reason"]


def test_a_client_that_leaves_is_reported_once(served):
    served().close()
    assert served.left.acquire(timeout=30)
    served.server.close()
    for thread in set(threading.enumerate()) - served.before:
        thread.join(30)
        assert not thread.is_alive()
    assert not served.left.acquire(blocking=False)


def test_a_client_that_does_not_read_holds_nobody_up(served):
    lazy, quick = served(), served()
    frame_from(quick)
    fields = {"text": "x" * 200000}
    for number in range(600):
        served.server.broadcast(framing.OBSERVATION, dict(fields, frame=number))
        if number % 100 == 0:
            assert json.dumps(frame_from(quick).fields["frame"]) is not None
    lazy.close()
