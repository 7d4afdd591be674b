"""The CPU backend's side of the seam: what it hands out, and what becomes of a camera that cannot be analysed."""

import collections
import threading

import numpy as np
import pytest

from vision import follow as follow_module
from vision.cpu import backend as backend_module
from vision.cpu.analysis import CpuAnalysis
from vision.cpu.backend import render
from vision.cpu.stream import Captured
from vision.follow import StreamEnded
from vision.graph import Source, parse_graph
from vision.shot import Shot
from vision.sight import Sight

WAIT_S = 30


class Stream:
    """Gives pictures until it is closed, or as many as a file has."""

    def __init__(self, source, _decode, _batch):
        self.left = int(source.uri) if source.uri.isdigit() else -1

    def read(self, wait_s):
        if self.left == 0:
            raise StreamEnded("eos")
        self.left -= 1
        threading.Event().wait(0.005)
        return Captured(np.full((48, 64, 3), 7, np.uint8), 1000.0)

    def close(self):
        pass


class Heard:
    """What the worker would be told."""

    def __init__(self, refuse=lambda shot: False):
        self.shots, self.states = collections.defaultdict(list), collections.defaultdict(list)
        self.changed = threading.Condition()
        self.refuse = refuse

    def take(self, shots):
        for shot in shots:
            with self.changed:
                self.shots[shot.camera].append(shot)
                self.changed.notify_all()
            if self.refuse(shot):
                raise ValueError("it has two heads")

    def report(self, camera, state, reason):
        with self.changed:
            self.states[camera].append((state, reason))
            self.changed.notify_all()

    def until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, WAIT_S)


@pytest.fixture
def running(monkeypatch):
    """running(heard, *sources) starts a backend over them; it is stopped after the test."""
    monkeypatch.setattr(backend_module, "Stream", Stream)
    monkeypatch.setattr(follow_module, "FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(follow_module, "LONGEST_WAIT_S", 0.0)
    backends = []

    def start(heard, *sources):
        backend = render(parse_graph('{"pack": "p"}')._replace(sources=sources))
        backends.append(backend)
        backend.start(heard.take, heard.report)
        return backend

    yield start
    for backend in backends:
        backend.stop()
        backend.join(WAIT_S)


def test_a_batch_is_one_shot_numbered_and_with_its_pixels(running):
    heard = Heard()
    running(heard, Source("gate", "3"))
    heard.until(lambda: heard.states["gate"][-1:] == [("ended", "the file has ended")])
    assert [shot.frame for shot in heard.shots["gate"]] == [0, 1, 2]
    shot = heard.shots["gate"][0]
    assert (shot.camera, shot.at, shot.width, shot.height) == ("gate", 1000.0, 64, 48)
    assert (shot.rgb() == 7).all()
    assert shot.jpeg()[:2] == b"\xff\xd8"


def test_a_camera_that_cannot_be_analysed_is_lost_and_opened_again_and_no_other(running):
    heard = Heard(lambda shot: shot.camera == "gate" and shot.frame == 2)
    running(heard, Source("gate", "rtsp://a"), Source("hall", "rtsp://b"))
    heard.until(lambda: [state for state, _ in heard.states["gate"]] == ["connecting", "live", "lost", "live"])
    assert heard.states["gate"][2][1] == "the analysis failed: it has two heads; trying again in 0 s"
    seen = len(heard.shots["hall"])
    heard.until(lambda: len(heard.shots["hall"]) > seen + 5)
    assert [state for state, _ in heard.states["hall"]] == ["connecting", "live"]
    frames = [shot.frame for shot in heard.shots["gate"]]
    assert frames == list(range(len(frames))), "numbers go on"


def test_after_stop_nothing_is_handed_out(running):
    heard = Heard()
    backend = running(heard, Source("gate", "rtsp://a"))
    heard.until(lambda: heard.shots["gate"])
    backend.stop()
    backend.join(WAIT_S)
    assert not [thread for thread in threading.enumerate() if thread.name == "camera-gate"]


def test_after_a_failure_the_tracks_of_that_camera_alone_begin_anew(analysis: CpuAnalysis):
    def shot(camera, frame, rgb):
        return Shot(camera, frame, 1000 + frame / 10, 64, 48, lambda: rgb, lambda: b"")

    def fails():
        raise RuntimeError("a pixel fell out")

    grey = np.full((48, 64, 3), 90, np.uint8)
    assert analysis.analyse([shot("a", 0, grey), shot("b", 0, grey)]) == [Sight(()), Sight(())]
    kept = dict(analysis._observers)
    with pytest.raises(RuntimeError, match="pixel"):
        analysis.analyse([shot("a", 1, grey)._replace(rgb=fails)])
    analysis.analyse([shot("a", 2, grey), shot("b", 2, grey)])
    assert analysis._observers["b"] is kept["b"]
    assert analysis._observers["a"] is not kept["a"]
