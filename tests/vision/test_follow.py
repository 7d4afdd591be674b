"""A source is kept going: back-off, silence, end, loop, and states in the right order."""

import threading

import pytest

from vision import follow as follow_module
from vision.follow import Backoff, StreamEnded, StreamLost, follow
from vision.graph import Source

CAMERA = Source("gate", "rtsp://127.0.0.1/x")


class Script:
    """A stream that gives what it was told: pictures, None, or an exception to raise."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.closed = False
        self.rewound = 0

    def read(self, wait_s):
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def rewind(self):
        self.rewound += 1

    def close(self):
        self.closed = True


def run(source, streams, monkeypatch, pictures_wanted=99):
    """States and pictures until the script is used up or enough pictures came."""
    monkeypatch.setattr(follow_module, "FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(follow_module, "LONGEST_WAIT_S", 0.0)
    states, pictures, waiting, stopping = [], [], list(streams), threading.Event()

    def open_stream(_source):
        if not waiting:
            stopping.set()
            raise StreamLost("the script is over")
        return waiting.pop(0)

    def take(picture):
        pictures.append(picture)
        if len(pictures) >= pictures_wanted:
            stopping.set()

    follow(source, open_stream, take, lambda state, reason: states.append((state, reason)), stopping)
    return states, pictures


def test_a_lost_camera_comes_back(monkeypatch):
    first, second = Script("a", StreamLost("no route")), Script("b", "c")
    states, pictures = run(CAMERA, [first, second], monkeypatch, pictures_wanted=3)
    assert pictures == ["a", "b", "c"]
    assert [state for state, _ in states] == ["connecting", "live", "lost", "live"]
    assert "no route" in states[2][1]
    assert first.closed
    assert second.closed


def test_a_camera_that_ends_is_lost_and_tried_again(monkeypatch):
    states, _ = run(CAMERA, [Script("a", StreamEnded("eos"))], monkeypatch)
    assert ("lost", "the camera ended the stream; trying again in 0 s") in states


def test_silence_is_a_loss(monkeypatch):
    monkeypatch.setattr(follow_module, "SILENCE_S", -1.0)
    states, _ = run(CAMERA, [Script(None)], monkeypatch)
    assert states[1][0] == "lost"
    assert "no picture for" in states[1][1]


def test_a_file_ends(monkeypatch):
    states, pictures = run(Source("clip", "clip.mp4"), [Script("a", "b", StreamEnded("eos"))], monkeypatch)
    assert pictures == ["a", "b"]
    assert states[-1] == ("ended", "the file has ended")


def test_a_file_starts_again(monkeypatch):
    stream = Script("a", StreamEnded("eos"), "b", StreamEnded("eos"), "c")
    states, pictures = run(Source("clip", "clip.mp4", loop=True), [stream], monkeypatch, pictures_wanted=3)
    assert pictures == ["a", "b", "c"]
    assert stream.rewound == 2
    assert [state for state, _ in states] == ["connecting", "live"]


def test_a_file_without_a_picture_does_not_spin(monkeypatch):
    states, _ = run(Source("clip", "clip.mp4", loop=True), [Script(StreamEnded("eos"))], monkeypatch)
    assert states[1][0] == "lost"
    assert "no picture" in states[1][1]


def test_waits_double_up_to_half_a_minute_and_start_over():
    backoff = Backoff()
    assert [backoff.fail() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.succeed()
    assert backoff.fail() == pytest.approx(1)
