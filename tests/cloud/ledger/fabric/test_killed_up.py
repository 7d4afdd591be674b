"""`sentrybox fabric up` killed with SIGKILL anywhere, then run again."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cloud.ledger.fabric import network, processes, programs, settings
from tests.support.fabric_network import SKIP, FabricGround
from tests.support.fabric_records import record


@pytest.fixture
def home(tmp_path):
    if programs.find() is None:
        pytest.skip(SKIP)
    home = tmp_path / "net"
    settings.create(home, usual=False)
    yield home
    network.reset(home)


def begin(home):
    return subprocess.Popen([sys.executable, "-m", "sentrybox", "fabric", "up", "--home", home],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(process):
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait(10)


def test_killed_after_each_of_its_steps(home):
    """One home: each `up` goes one step further than the one before it, and is killed in the step after that."""
    for steps in (1, 2, 3, 4):
        process = begin(home)
        said = [process.stdout.readline() for _ in range(steps)]
        time.sleep(0.1)  # into the next step
        end(process)
        assert all(" s  " in line for line in said), said
    pids = {part: processes.find(home, part) for part in settings.load(home).parts}
    network.up(home, report=lambda line: None)
    assert network.status(home).well
    kept = {part: pid for part, pid in pids.items() if pid is not None}
    assert kept and {part: processes.find(home, part) for part in kept} == kept
    assert record(FabricGround(home))[1].name == "VALID"


def test_processes_that_were_never_written_down_are_taken_over(home):
    network.up(home, report=lambda line: None)
    parts = settings.load(home).parts
    before = {part: processes.find(home, part) for part in parts}
    for part in parts:
        (home / "run" / f"{part}.json").unlink()
    (home / "organisations" / "campus" / "users" / ".new-cut-off").mkdir()
    network.up(home, report=lambda line: None)
    assert {part: processes.find(home, part) for part in parts} == before
    assert not list(home.rglob(".new-*"))


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("hundredths", range(20, 340, 20))
def test_killed_at_any_time_of_a_first_start(home, hundredths):
    process = begin(home)
    time.sleep(hundredths / 100)
    end(process)
    network.up(home, report=lambda line: None)
    assert network.status(home).well
    assert record(FabricGround(home))[1].name == "VALID"


def test_two_at_a_time_are_not_let_in(home):
    process = begin(home)
    process.stdout.readline()
    second = subprocess.run([sys.executable, "-m", "sentrybox", "fabric", "up", "--home", home],
                            capture_output=True, text=True, timeout=60, check=False, env=os.environ)
    assert second.returncode == 3
    assert "another `sentrybox fabric` is at work" in second.stderr
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 0, rest
