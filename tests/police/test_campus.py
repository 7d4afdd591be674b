"""Asking a real campus over HTTP: what it answers, and what is made of answers that are none of its own."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from contract.errors import NotFound, Rejected, Unavailable
from contract.ids import new_id
from police.campus import MAX_ANSWER, Campus, Unreachable, Withdrawn

PROBLEM = b'{"code": "%s", "detail": "%s"}'


class Server(http.server.ThreadingHTTPServer):
    """Answers everything with `answer`; `seen` has (path, authorization)."""

    answer: tuple[int, bytes] = (200, b"")

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["Authorization"]))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def asking(server, tmp_path) -> Iterator[Campus]:
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    client = Campus(f"http://127.0.0.1:{server.server_port}", token, None)
    yield client
    client.close()


def test_it_asks_with_its_token_and_reads_what_was_released(server, asking, campus):
    incident, released, _ = campus.incident()
    server.answer = 200, released.model_dump_json().encode()
    assert asking.released(incident.id) == released
    assert server.seen == [(f"/released/{incident.id}", "Bearer secret-token")]


@pytest.mark.parametrize(("status", "body", "error", "words"), [
    (404, PROBLEM % (b"notfound", b"nothing is released"), NotFound, "not released this entry yet"),
    (410, PROBLEM % (b"withdrawn", b"back"), Withdrawn, "release back"),
    (401, PROBLEM % (b"bad_token", b"not one of ours"), Unreachable, "refuses our token: not one of ours"),
    (403, PROBLEM % (b"wrong_role", b"role guard"), Unreachable, "role guard"),
    (503, PROBLEM % (b"unavailable", b"not anchored yet"), Unavailable, "503: not anchored yet"),
    (404, b"<html>not here</html>", Unreachable, "is [campus] url its address?"),
    (404, PROBLEM % (b"not_found", b"there is nothing at"), Unavailable, "404"),
    (410, b"gone", Unreachable, "410"),
    (302, b"", Unreachable, "302"),
    (200, b"{}", Rejected, "not a released record"),
    (200, b"\xff", Rejected, "not a released record"),
    (200, b" " * (MAX_ANSWER + 1), Rejected, "more than"),
])
def test_each_refusal_is_what_it_is(server, asking, status, body, error, words):
    server.answer = status, body
    with pytest.raises(error) as caught:
        asking.released(new_id())
    assert type(caught.value) is error and words in str(caught.value)


def test_nobody_there(asking, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(Unreachable, match="cannot be reached"):
        asking.released(new_id())


def test_files_that_are_not_there_are_named(tmp_path):
    token = tmp_path / "token"
    with pytest.raises(Rejected, match="token"):
        Campus("http://127.0.0.1:1", token, None)
    token.write_text("x")
    with pytest.raises(Rejected, match=r"ca\.pem"):
        Campus("http://127.0.0.1:1", token, tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(Rejected, match=r"ca\.pem"):
        Campus("http://127.0.0.1:1", token, tmp_path / "ca.pem")
