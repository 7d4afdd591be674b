"""The worker over a backend of another kind: one pipeline for all cameras, metadata first, pixels only on request."""

import dataclasses
import io
import threading

import numpy as np
import pytest
from PIL import Image

from vision.analysis import Analysis, Backend, Refused
from vision.graph import Batch, Decode, Detect, Embed, Graph, Publish, Source, Track
from vision.packs.fields import ManifestError
from vision.packs.manifest import load_manifest
from vision.shot import PictureGone, Shot
from vision.sight import Face, Person, Pose, Quality, Sight, StillSight
from vision.wire import framing
from vision.worker import app
from visionlink.client import read_observation

GRAPH = Graph((Source("gate", "rtsp://a/1"), Source("hall", "rtsp://a/2")), Decode(), Batch(), Detect("p"), Track(),
              Embed(), Publish(keep_frames=4), backend="board")
JOINTS = np.column_stack([np.arange(17) * 10.0, np.arange(17) * 20.0, np.full(17, 0.5)])
WALKER = Person(7, "body", (10.0, 20.0, 50.0, 150.0), 0.9, 3, None, Pose(JOINTS))
VISITOR = Person(8, "face", (300.0, 40.0, 80.0, 80.0), 0.8, 0, Face(
    (300.0, 40.0, 80.0, 80.0), 0.8, np.full((5, 2), 320.0), Quality(80.0, 90.0, 120.0, 1.0),
    np.arange(4, dtype=np.float32)))
HELD = 2


@dataclasses.dataclass
class Board(Backend, Analysis):
    """As on a board with a graphics processor. The test's own thread stands for its pipeline: it calls `step`."""

    manifest: object
    absent: int = 0

    def __post_init__(self):
        self.running, self.stopped = threading.Event(), threading.Event()
        self.metadata, self.fetched, self.frames = {}, [], {}

    def load(self):
        if self.absent:
            self.absent -= 1
            raise ManifestError("no pack: run something")
        return self

    def start(self, take, report):
        self.take, self.report = take, report
        self.running.set()

    def stop(self):
        self.stopped.set()

    def join(self, wait_s):
        assert self.stopped.is_set()

    def step(self, **people):
        """One batch: who is seen by each camera in this instant."""
        assert self.running.wait(30)
        batch = []
        for camera, seen in people.items():
            frame = self.frames[camera] = self.frames.get(camera, -1) + 1
            self.metadata[(camera, frame)] = seen
            batch.append(Shot(camera, frame, 1000 + frame / 10, 1280, 720, lambda: pytest.fail("nobody wants pixels"),
                              lambda key=(camera, frame): self._fetch(*key)))
        self.take(batch)

    def analyse(self, shots):
        people = [self.metadata.pop((shot.camera, shot.frame)) for shot in shots]
        if None in people:
            raise ValueError("the metadata are damaged")
        return [Sight(each) for each in people if each != "lost"]

    def still(self, data):
        if data == b"?":
            raise Refused("not_an_image", "this is not a picture")
        return StillSight(640, 480, (VISITOR.face,))

    def _fetch(self, camera, frame):
        if self.frames[camera] - frame >= HELD:
            raise PictureGone
        self.fetched.append((camera, frame))
        file = io.BytesIO()
        Image.new("RGB", (1280, 720), (frame, 0, 0)).save(file, "JPEG")
        return file.getvalue()


@pytest.fixture(scope="module")
def manifest(pack):
    return load_manifest(pack)


@pytest.fixture
def board(manifest):
    return Board(manifest)


def observation(talk, camera):
    return talk.until(lambda frame: frame.kind == framing.OBSERVATION and frame.fields["camera"] == camera).fields


def picture(talk, camera, frame):
    talk.send(framing.FRAME, {"id": "p", "camera": camera, "frame": frame})
    return talk.until(lambda answer: answer.kind == framing.PICTURE)


def test_one_batch_of_two_cameras_is_two_observations_and_not_a_pixel(serve, board):
    talk = serve(GRAPH, board)
    hello = talk.greeting[0].fields
    assert (hello["worker"], hello["cameras"]) == ("sentrybox-vision (board)", ["gate", "hall"])
    board.step(gate=(WALKER,), hall=(VISITOR,))
    gate, hall = observation(talk, "gate"), observation(talk, "hall")
    assert (gate["frame"], gate["at"], gate["width"], gate["height"]) == (0, "1970-01-01T00:16:40.000Z", 1280, 720)
    (walker,), (visitor,) = gate["tracks"], hall["tracks"]
    assert (walker["id"], walker["source"], walker["age"], walker["face"]) == (7, "body", 3, None)
    assert walker["pose"][16] == [160.0, 320.0, 0.5]
    assert visitor["face"]["embedding"] == "AAAAAAAAgD8AAABAAABAQA=="
    assert "pose" not in visitor
    assert board.fetched == []


def test_box_and_cloud_can_read_what_it_says(serve, board):
    talk = serve(GRAPH, board)
    board.step(gate=(WALKER, VISITOR))
    walker, visitor = read_observation(observation(talk, "gate")).tracks
    assert walker.pose[3] == (30.0, 60.0, 0.5)
    assert (visitor.pose, visitor.face.pack) == (None, "open-1")


def test_a_picture_is_fetched_when_it_is_asked_for(serve, board):
    talk = serve(GRAPH, board)
    board.step(gate=(), hall=())
    board.step(gate=(), hall=())
    answer = picture(talk, "hall", None)
    assert answer.fields["frame"] == 1
    assert Image.open(io.BytesIO(answer.blob)).size == (1280, 720)
    assert picture(talk, "gate", 0).fields["frame"] == 0
    assert board.fetched == [("hall", 1), ("gate", 0)]


def test_a_picture_that_the_board_let_go_is_refused_in_words(serve, board):
    talk = serve(GRAPH, board)
    for _ in range(3):
        board.step(gate=())
    error = picture(talk, "gate", 0).fields["error"]
    assert error["code"] == "no_picture"
    assert "picture 0 of gate" in error["detail"]
    assert picture(talk, "gate", 1).fields["frame"] == 1


def test_previews_fetch_the_pixels_of_the_watched_camera_alone(serve, board):
    talk = serve(GRAPH, board)
    talk.send(framing.WATCH, {"camera": "hall", "on": True, "fps": 10})
    assert picture(talk, "gate", None).fields["error"]["code"] == "no_picture", "an answer: the watch is known now"
    board.step(gate=(), hall=())
    preview = talk.until(lambda frame: frame.kind == framing.PREVIEW)
    assert (preview.fields["camera"], preview.blob[:2]) == ("hall", b"\xff\xd8")
    assert board.fetched == [("hall", 0)]


@pytest.mark.parametrize("people", [None, "lost"])
def test_an_analysis_that_fails_is_told_to_the_board_and_hides_no_picture(serve, board, people):
    talk = serve(GRAPH, board)
    with pytest.raises(ValueError, match=r"damaged|0 sights of 1 shots"):
        board.step(gate=people)
    assert picture(talk, "gate", None).fields["frame"] == 0
    board.step(hall=(WALKER,))
    assert observation(talk, "hall")["tracks"][0]["id"] == 7


def test_states_of_cameras_are_passed_on(serve, board):
    talk = serve(GRAPH, board)
    assert [(frame.fields["camera"], frame.fields["state"]) for frame in talk.greeting[1:3]] == [
        ("gate", "connecting"), ("hall", "connecting")]
    assert board.running.wait(30)
    board.report("hall", "live", "")
    assert talk.state("hall", "live")["fps"] == 10
    board.report("hall", "lost", "no route; trying again in 2 s")
    assert talk.state("hall", "lost")["reason"] == "no route; trying again in 2 s"
    late = type(talk)(talk.path)
    assert late.state("gate", "connecting")
    assert late.state("hall", "lost")
    late.close()


def test_nothing_is_opened_before_the_pack_is_there(serve, manifest, monkeypatch):
    monkeypatch.setattr(app, "RETRY_PACK_S", 0.01)
    board = Board(manifest, absent=2)
    serve(GRAPH, board)
    assert board.running.wait(30)
    assert board.absent == 0


def test_stills_are_read_by_the_board(serve, board):
    talk = serve(GRAPH, board)
    answer = talk.still(b"photo")
    assert (answer["width"], answer["pack"], answer["faces"][0]["box"]) == (640, "open-1", [300.0, 40.0, 80.0, 80.0])
    assert talk.still(b"?")["error"] == {"code": "not_an_image", "detail": "this is not a picture"}


def test_the_board_is_stopped_with_the_worker(serve, board):
    talk = serve(GRAPH, board)
    assert board.running.wait(30)
    talk.worker.stop()
    talk.thread.join(30)
    assert not talk.thread.is_alive()
    assert board.stopped.is_set()
