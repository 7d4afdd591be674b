"""Vision workers as processes: one that dies is started again, says why meanwhile, and harms no other's cameras."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from contract.errors import NotFound, Rejected, Unavailable
from vision.wire import framing
from visionlink import workers as module
from visionlink.client import read_space
from visionlink.workers import WorkerPlan, Workers

# A worker that speaks the protocol with the real framing and does what a test tells it to.
SCRIPT = Path(__file__).with_name("scripted_worker.py")


class Heard:
    def __init__(self):
        self.observations = []
        self.cameras = []
        self.spaces = []

    async def until(self, condition, seconds=10.0):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


def plan(tmp_path, name, cameras, **behaviour):
    script = tmp_path / f"{name}.json"
    script.write_text(json.dumps({"cameras": cameras, **behaviour}))
    return WorkerPlan(name, (sys.executable, str(SCRIPT), "--script", str(script)), tmp_path / f"{name}.sock",
                      tuple(cameras))


@pytest.fixture
def running(monkeypatch):
    """Run a coroutine function with Workers over the plans, and end them after it."""
    monkeypatch.setattr(module, "BACK_OFF_S", (0.05, 0.1))

    def run(plans, body):
        async def main():
            heard = Heard()
            workers = Workers(plans, heard.observations.append, lambda c, r: heard.cameras.append((c, r.state)),
                              heard.spaces.append)
            keep = asyncio.create_task(workers.run())
            try:
                await body(workers, heard)
            finally:
                keep.cancel()
                await workers.ended()
            assert workers.pids() == []

        asyncio.run(main())

    return run


@pytest.mark.parametrize(("wrong", "named"), [
    ({"metric": "l3"}, "hello: metric"), ({"embedding_size": 0}, "hello: size"),
    ({"thresholds": {}}, "thresholds.known"),
    ({"thresholds": {"known": 2, "review": 1, "verify": 1, "margin": 0, "min_width": 1}}, "below review"),
])
def test_a_hello_that_does_not_say_how_to_compare_is_refused(wrong, named):
    hello = {"pack": "p", "embedding_size": 4, "metric": "cosine",
             "thresholds": {"known": 1, "review": 2, "verify": 1, "margin": 0, "min_width": 1}}
    assert read_space(hello).size == 4
    assert read_space({"pack": ""}) is None
    with pytest.raises(Rejected, match=named):
        read_space({**hello, **wrong})


def test_observations_and_camera_states_arrive(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: len(heard.observations) >= 3)
        assert heard.observations[0].camera == "gate"
        assert workers.report("gate").state == "live"
        assert workers.problem() == ""
        assert workers.packs() == ("scripted",)
        [space] = heard.spaces
        assert (space.pack, space.size, space.metric, space.thresholds.verify) == ("scripted", 64, "cosine", 0.64)

    running([plan(tmp_path, "one", ["gate"])], body)


def test_a_dead_worker_comes_back_and_says_why_meanwhile(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: workers.problem() == "")
        first = workers.pids()
        await heard.until(lambda: ("gate", "lost") in heard.cameras)
        assert workers.report("gate").reason
        await heard.until(lambda: workers.pids() and workers.pids() != first and workers.problem() == "")

    running([plan(tmp_path, "one", ["gate"], die_after=3)], body)


def test_while_it_is_away_requests_are_refused_with_the_reason(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: "status 7" in workers.problem())
        with pytest.raises(Unavailable, match="status 7"):
            await workers.still(b"image", "recognise")
        with pytest.raises(Unavailable):
            await workers.picture("gate")

    running([plan(tmp_path, "one", ["gate"], exit_at_start=7)], body)


def test_the_cameras_of_another_worker_go_on(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: ("gate", "lost") in heard.cameras)
        seen = len(heard.observations)
        await heard.until(lambda: sum(o.camera == "hall" for o in heard.observations[seen:]) >= 5)
        assert ("hall", "lost") not in heard.cameras

    running([plan(tmp_path, "one", ["gate"], die_after=2), plan(tmp_path, "two", ["hall"])], body)


def test_a_worker_that_talks_nonsense_is_started_again(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: ("gate", "lost") in heard.cameras)
        await heard.until(lambda: [state for _, state in heard.cameras].count("live") >= 2)

    running([plan(tmp_path, "one", ["gate"], nonsense_after=2)], body)


def test_an_observation_that_does_not_fit_is_dropped_and_the_next_ones_arrive(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: len(heard.observations) >= 5)
        assert ("gate", "lost") not in heard.cameras

    running([plan(tmp_path, "one", ["gate"], bad_observations=3)], body)


def test_still_images_are_answered_or_refused_with_the_workers_words(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: workers.problem() == "")
        still = await workers.still(b"image", "recognise")
        assert (still.width, still.faces[0].pack) == (640, "scripted")
        with pytest.raises(Rejected, match="not an image"):
            await workers.still(b"refuse", "enrol")

    running([plan(tmp_path, "one", ["gate"])], body)


def test_pictures_and_previews(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: workers.problem() == "")
        assert (await workers.picture("gate")).jpeg == b"jpeg"
        with pytest.raises(NotFound, match="cameras: gate"):
            await workers.picture("attic")
        stream = workers.preview("gate", 5.0)
        assert (await anext(stream)).jpeg == b"preview"
        await stream.aclose()

    running([plan(tmp_path, "one", ["gate"])], body)


def test_a_request_under_way_when_the_worker_dies_is_refused(running, tmp_path):
    async def body(workers, heard):
        await heard.until(lambda: workers.problem() == "")
        with pytest.raises(Unavailable):
            await workers.still(b"die", "recognise")

    running([plan(tmp_path, "one", ["gate"])], body)


def test_the_kinds_of_both_directions_do_not_overlap():
    assert not framing.TO_WORKER & framing.FROM_WORKER
