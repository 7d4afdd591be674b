"""The whole worker process: stills, files, RTSP cameras that are dead, stop and come back, and bad clients."""

import base64
import io
import itertools
import subprocess
import sys
import time
from pathlib import Path

import gi
import numpy as np
import pytest
from PIL import Image

from tests.support.ports import free_port
from vision.wire import framing

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402  (the version must be asked for first)

ROOT = Path(__file__).parents[2]

RTSP_SERVER = """
import sys, gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer(address="127.0.0.1", service=sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory(shared=True, launch="( videotestsrc is-live=true pattern=ball"
    " ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! jpegenc ! rtpjpegpay name=pay0 )")
server.get_mount_points().add_factory("/gate", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
"""


def clip(path, pictures=15):
    """A short moving test picture, 320 x 240 at 10 fps."""
    Gst.init(None)
    pipeline = Gst.parse_launch(
        f"videotestsrc num-buffers={pictures} pattern=ball ! video/x-raw,width=320,height=240,framerate=10/1"
        f" ! jpegenc ! avimux ! filesink location={path}")
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    assert message.type == Gst.MessageType.EOS
    return str(path)


def start_rtsp(port):
    process = subprocess.Popen([sys.executable, "-c", RTSP_SERVER, str(port)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


def stop(process):
    process.kill()
    process.communicate()


def png(width=64, height=64):
    file = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(file, "PNG")
    return file.getvalue()


def observation_of(camera):
    return lambda frame: frame.kind == framing.OBSERVATION and frame.fields["camera"] == camera


def test_a_worker_without_cameras_answers_stills(start_worker, pack):
    talk = start_worker({"pack": str(pack)})
    hello = talk.read()
    assert hello.kind == framing.WORKER_HELLO
    assert hello.fields == {"version": 1, "worker": "sentrybox-vision (cpu)", "pack": "open-1", "embedding_size": 128,
                            "metric": "euclidean", "thresholds": {
                                "known": 0.5, "review": 0.6, "verify": 0.55, "margin": 0.02, "min_width": 32.0},
                            "cameras": [], "pid": talk.process.pid}
    assert talk.still(png()) == {"id": "s", "width": 64, "height": 64, "pack": "open-1", "faces": []}
    assert talk.still(b"text")["error"]["code"] == "not_an_image"
    assert talk.still(png(20, 20))["error"]["code"] == "too_small"
    assert talk.path.stat().st_mode & 0o777 == 0o600


def test_without_a_pack_it_stays_up_and_says_what_to_run(start_worker, tmp_path):
    talk = start_worker({"pack": str(tmp_path / "open-1")})
    assert talk.read().fields["pack"] == ""
    for _ in range(2):
        error = talk.still(png())["error"]
        assert error["code"] == "model_missing"
        assert "sentrybox models build" in error["detail"]


def test_a_pack_that_comes_later_is_taken(start_worker, pack, tmp_path):
    talk = start_worker({"pack": str(tmp_path / "later")})
    assert talk.still(png())["error"]["code"] == "model_missing"
    (tmp_path / "later").symlink_to(pack)
    hello = talk.until(lambda frame: frame.kind == framing.WORKER_HELLO and frame.fields["pack"] != "").fields
    assert (hello["pack"], hello["embedding_size"]) == ("open-1", 128), "who came before the pack learns of it"
    deadline = time.monotonic() + 60
    while "error" in (answer := talk.still(png())) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert answer["faces"] == []


def test_a_file_is_watched_to_its_end(start_worker, pack, tmp_path):
    graph = {"pack": str(pack), "cameras": [{"id": "clip", "uri": clip(tmp_path / "c.avi")}]}
    talk = start_worker(graph)
    first = talk.until(observation_of("clip")).fields
    assert (first["width"], first["height"]) == (320, 240)
    assert first["at"].endswith("Z")
    talk.send(framing.FRAME, {"id": "p", "camera": "clip", "frame": first["frame"]})
    picture = talk.until(lambda frame: frame.kind == framing.PICTURE)
    assert picture.fields["frame"] == first["frame"]
    assert Image.open(io.BytesIO(picture.blob)).size == (320, 240)
    assert talk.state("clip", "ended")["reason"] == "the file has ended"
    talk.send(framing.FRAME, {"id": "q", "camera": "clip", "frame": None})
    assert talk.until(lambda frame: frame.kind == framing.PICTURE).blob[:2] == b"\xff\xd8"


def test_every_picture_of_a_file_read_fast_is_seen_in_its_own_time(start_worker, pack, tmp_path):
    uri = clip(tmp_path / "c.avi", pictures=40)
    talk = start_worker({"pack": str(pack), "cameras": [{"id": "clip", "uri": uri, "realtime": False, "loop": True}]})
    seen = [talk.until(observation_of("clip")).fields for _ in range(60)]
    frames = [each["frame"] for each in seen]
    assert frames == list(range(frames[0], frames[0] + 60))
    times = [np.datetime64(each["at"].rstrip("Z")) for each in seen]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_previews_come_while_they_are_wanted(start_worker, pack, tmp_path):
    uri = clip(tmp_path / "c.avi", pictures=40)
    talk = start_worker({"pack": str(pack), "cameras": [{"id": "clip", "uri": uri, "loop": True}]})
    talk.send(framing.WATCH, {"camera": "clip", "on": True, "fps": 10})
    preview = talk.until(lambda frame: frame.kind == framing.PREVIEW)
    assert preview.fields["camera"] == "clip"
    assert Image.open(io.BytesIO(preview.blob)).size == (320, 240)
    talk.send(framing.WATCH, {"camera": "clip", "on": False, "fps": 10})
    talk.send(framing.FRAME, {"id": "mark", "camera": "clip", "frame": None})
    talk.until(lambda frame: frame.kind == framing.PICTURE)
    after = [talk.until(lambda frame: frame.kind in (framing.OBSERVATION, framing.PREVIEW)).kind for _ in range(8)]
    assert set(after) == {framing.OBSERVATION}


@pytest.mark.parametrize(("message", "reason"), [
    ((framing.FRAME, {"id": "a"}), "camera is None"),
    ((framing.FRAME, {"id": "a", "camera": "x", "frame": "1"}), "frame is '1'"),
    ((framing.STILL, {}), "id is None"),
    ((framing.WATCH, {"camera": "x", "on": True, "fps": -1}), "fps is -1"),
])
def test_a_message_that_makes_no_sense_ends_only_its_connection(start_worker, pack, message, reason):
    talk = start_worker({"pack": str(pack)})
    talk.send(*message)
    assert reason in talk.until(lambda frame: frame.kind == framing.ERROR).fields["reason"]
    assert talk.closed()
    again = type(talk)(talk.path)
    assert again.still(png())["faces"] == []
    again.close()


def test_an_unknown_camera_is_named(start_worker, pack):
    talk = start_worker({"pack": str(pack)})
    talk.send(framing.FRAME, {"id": "a", "camera": "roof", "frame": None})
    error = talk.until(lambda frame: frame.kind == framing.PICTURE).fields["error"]
    assert error["code"] == "unknown_camera"
    assert "'roof'" in error["detail"]


def test_dead_cameras_are_lost_with_a_reason_and_stop_nobody(start_worker, pack, tmp_path):
    talk = start_worker({"pack": str(pack), "cameras": [
        {"id": "dead", "uri": f"rtsp://127.0.0.1:{free_port()}/gate"},
        {"id": "gone", "uri": str(tmp_path / "no.avi")},
        {"id": "usb", "uri": str(tmp_path)},
        {"id": "clip", "uri": clip(tmp_path / "c.avi"), "loop": True}]})
    lost = {}
    while len(lost) < 3:
        fields = talk.until(lambda frame: frame.kind == framing.CAMERA and frame.fields["state"] == "lost").fields
        lost[fields["camera"]] = fields["reason"]
    assert "connect" in lost["dead"].lower()
    assert "does not exist" in lost["gone"]
    assert all("trying again in" in reason for reason in lost.values())
    assert talk.until(observation_of("clip")).fields["camera"] == "clip"


def test_a_camera_that_stops_comes_back(start_worker, pack):
    port = free_port()
    server = start_rtsp(port)
    try:
        talk = start_worker({"pack": str(pack), "cameras": [{"id": "gate", "uri": f"rtsp://127.0.0.1:{port}/gate"}]})
        before = talk.until(observation_of("gate")).fields["frame"]
        stop(server)
        assert talk.state("gate", "lost")["reason"]
        server = start_rtsp(port)
        assert talk.state("gate", "live")["fps"] == 10
        assert talk.until(observation_of("gate")).fields["frame"] > before
    finally:
        stop(server)


def test_a_worker_ends_when_asked_and_removes_its_socket(start_worker, pack, tmp_path):
    talk = start_worker({"pack": str(pack), "cameras": [{"id": "clip", "uri": clip(tmp_path / "c.avi"), "loop": True}]})
    talk.until(observation_of("clip"))
    talk.process.terminate()
    assert talk.process.wait(timeout=60) == 0
    assert not talk.path.exists()


STARTER = """
import os, subprocess, sys, time
worker = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
deadline = time.monotonic() + 60
while not os.path.exists(sys.argv[5]) and time.monotonic() < deadline:
    time.sleep(0.05)
print(worker.pid)
"""


def test_a_worker_ends_with_the_process_that_started_it(pack, tmp_path):
    (tmp_path / "graph.json").write_text(f'{{"pack": "{pack}"}}')
    parent = subprocess.run(
        [sys.executable, "-c", STARTER, sys.executable, "-m", "vision", "--socket",
         tmp_path / "s", "--graph", tmp_path / "graph.json"], stdout=subprocess.PIPE, cwd=ROOT, check=True)
    pid, deadline = int(parent.stdout), time.monotonic() + 60
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(pid)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("graph", "named"), [("{", "not JSON"), ('{"pack": "p", "cameras": [{"id": "a"}]}', "uri")])
def test_a_wrong_graph_is_refused_at_the_start(tmp_path, graph, named):
    (tmp_path / "g.json").write_text(graph)
    run = subprocess.run([sys.executable, "-m", "vision", "--socket", tmp_path / "s", "--graph",
                          tmp_path / "g.json"], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert named in run.stderr
    assert "g.json" in run.stderr


def test_a_face_that_moves_is_one_track_and_recognisable(start_worker, pack, faces, tmp_path):
    """A portrait moved about as a clip: the face track stands for the person; its embedding is that of the still."""
    portrait = faces / "face_recognition/knn_examples/train/obama/obama.jpg"
    image = Image.open(portrait).convert("RGB")
    image.thumbnail((300, 240))
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(40):
        canvas = Image.new("RGB", (480, 360), (90, 100, 110))
        canvas.paste(image, (20 + 3 * number, 60 + number))
        canvas.save(folder / f"{number:03d}.jpg", quality=92)
    Gst.init(None)
    video = tmp_path / "face.avi"
    pipeline = Gst.parse_launch(f"multifilesrc location={folder}/%03d.jpg stop-index=39"
                                f" caps=image/jpeg,framerate=10/1 ! avimux ! filesink location={video}")
    pipeline.set_state(Gst.State.PLAYING)
    pipeline.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    talk = start_worker({"pack": str(pack), "cameras": [{"id": "door", "uri": str(video), "realtime": False}]})
    tracks = []
    while True:
        frame = talk.until(lambda frame: frame.kind in (framing.OBSERVATION, framing.CAMERA))
        if frame.kind == framing.CAMERA and frame.fields["state"] == "ended":
            break
        tracks.extend(frame.fields.get("tracks", []))
    assert len({track["id"] for track in tracks if track["source"] == "face"}) == 1
    embedded = [track["face"] for track in tracks if track["face"] and track["face"]["embedding"]]
    assert 8 <= len(embedded) <= 16
    still = talk.still(portrait.read_bytes())["faces"][0]["embedding"]
    vector = np.frombuffer(base64.b64decode(still), "<f4")
    for face in embedded:
        assert np.linalg.norm(np.frombuffer(base64.b64decode(face["embedding"]), "<f4") - vector) < 0.5
