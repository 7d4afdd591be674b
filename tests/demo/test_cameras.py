"""The demo cameras: a short clip over real RTSP goes on and on, for several clients."""

import itertools
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.standin import ROOT

gi = pytest.importorskip("gi")
gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401 - GstApp gives appsink its methods

FPS = 15
PICTURES = 20
READ = (
    "rtspsrc name=source protocols=tcp latency=0 ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! "
    "video/x-raw,format=GRAY8 ! appsink name=out sync=false"
)


@pytest.fixture(scope="module", autouse=True)
def gstreamer() -> None:
    Gst.init(None)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The RTSP address of a clip of PICTURES pictures."""
    clip = tmp_path_factory.mktemp("clip") / "ball.mp4"
    make = (
        f"videotestsrc num-buffers={PICTURES} pattern=ball ! video/x-raw,width=160,height=120,framerate={FPS}/1 ! "
        f"x264enc bframes=0 key-int-max=10 ! h264parse ! mp4mux ! filesink location={clip}"
    )
    subprocess.run(["gst-launch-1.0", "-q", *make.split()], check=True, timeout=60)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.cameras", "--port", str(port), "--clip", f"ball={clip}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    readable, _, _ = select.select([process.stdout], [], [], 30)
    assert readable and process.stdout.readline() == "ready\n"
    yield f"rtsp://127.0.0.1:{port}/ball"
    process.terminate()
    process.wait(10)


class Client:
    """Decodes what the camera sends."""

    def __init__(self, address: str) -> None:
        self._pipeline = Gst.parse_launch(READ)
        self._pipeline.get_by_name("source").set_property("location", address)
        self._out = self._pipeline.get_by_name("out")
        self._pipeline.set_state(Gst.State.PLAYING)

    def pictures(self, count: int) -> list[tuple[int, bytes]]:
        """(presentation time in ns, grey pixels) of the next pictures."""
        return [_unpack(self._out.emit("try-pull-sample", 15 * Gst.SECOND)) for _ in range(count)]

    def close(self) -> None:
        self._pipeline.set_state(Gst.State.NULL)


def test_time_goes_on_rising_over_three_loops(address: str) -> None:
    client = Client(address)
    try:
        seen = client.pictures(3 * PICTURES + 5)
    finally:
        client.close()
    times = [time for time, _ in seen]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 0
    assert max(gaps) < 2 * Gst.SECOND // FPS, "a loop must not leave a gap"
    first, later = seen[2][1], seen[2 + 2 * PICTURES][1]
    assert _difference(first, later) < 4, "the same picture of the clip comes back after a loop"
    assert _difference(first, seen[2 + PICTURES // 2][1]) > 4, "the picture moves within a loop"


def test_a_second_client_joins_and_the_first_goes_on(address: str) -> None:
    first = Client(address)
    try:
        assert len(first.pictures(5)) == 5
        second = Client(address)
        assert len(second.pictures(5)) == 5
        second.close()
        assert len(first.pictures(PICTURES)) == PICTURES
    finally:
        first.close()


def test_a_client_that_comes_after_all_have_gone_is_served(address: str) -> None:
    for _ in range(2):
        client = Client(address)
        assert len(client.pictures(5)) == 5
        client.close()


def test_a_file_that_is_no_clip_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "notes.mp4"
    wrong.write_text("not a video")
    done = subprocess.run(
        [sys.executable, "-m", "demo.cameras", "--port", str(free_port()), "--clip", f"gate={wrong}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "demo camera gate" in done.stderr
    assert str(wrong) in done.stderr


def _unpack(sample: Any) -> tuple[int, bytes]:
    assert sample is not None, "the stream ended or stalled"
    buffer = sample.get_buffer()
    return buffer.pts, buffer.extract_dup(0, buffer.get_size())


def _difference(one: bytes, other: bytes) -> float:
    """Greatest mean difference of grey values over the picture's rows."""
    rows = range(0, len(one), 160)
    return max(sum(abs(a - b) for a, b in zip(one[r : r + 160], other[r : r + 160], strict=True)) / 160 for r in rows)
