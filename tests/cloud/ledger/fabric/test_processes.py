import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloud.ledger.fabric import processes, settings
from cloud.ledger.fabric.commands import Command
from contract.errors import NotFound, Rejected, Unavailable

SLEEP = Command(Path("/usr/bin/sleep").resolve(), ("60",), {"PATH": os.environ["PATH"]})


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    processes.kill(tmp_path, "part")


def pid_file(home):
    return home / "run" / "part.json"


def test_a_process_outlives_its_starter_in_a_session_of_its_own(home):
    code = ("import sys; from pathlib import Path; from cloud.ledger.fabric import processes; "
            "from cloud.ledger.fabric.commands import Command; home = Path(sys.argv[1]); "
            "processes.launch(home, 'part', Command(Path(sys.argv[2]), ('60',), {}), home / 'log')")
    subprocess.run([sys.executable, "-c", code, home, SLEEP.program], check=True, timeout=30)
    found = processes.find(home, "part")
    assert found is not None and processes.is_alive(found) and processes.memory(found) > 0
    assert os.getsid(found.pid) != os.getsid(0)
    assert processes.stop(home, ("part",)) == ["part"]
    assert processes.find(home, "part") is None and not pid_file(home).exists()
    assert processes.memory(found) == 0


def test_a_process_whose_starter_died_before_writing_it_down_is_found_by_its_mark(home):
    started = processes.launch(home, "part", SLEEP, home / "log")
    pid_file(home).unlink()
    assert processes.find(home, "part") == started
    assert pid_file(home).exists()
    assert processes.find(home, "other") is None
    assert processes.find(home / "elsewhere", "part") is None


def test_a_reused_number_is_never_ended(home):
    stranger = subprocess.Popen([SLEEP.program, "60"])
    time.sleep(0.05)  # the kernel counts start times in hundredths of a second
    try:
        started = processes.launch(home, "part", SLEEP, home / "log")
        processes.kill(home, "part")
        # The stranger got the number, and even runs the same program.
        pid_file(home).write_text(json.dumps(started._replace(pid=stranger.pid)._asdict()))
        assert processes.find(home, "part") is None
        assert processes.stop(home, ("part",)) == []
        processes.kill(home, "part")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(10)


def test_another_program_under_number_and_time_is_not_ours(home):
    started = processes.launch(home, "part", SLEEP, home / "log")
    assert processes.is_alive(started)
    assert not processes.is_alive(started._replace(program="/usr/bin/true"))
    assert not processes.is_alive(started._replace(started=started.started + 1))


def test_one_that_does_not_listen_to_term_is_killed(home, monkeypatch):
    monkeypatch.setattr(processes, "TERM_S", 0.3)
    python = Path(sys.executable).resolve()
    deaf = ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
            "time.sleep(60)")
    started = processes.launch(home, "part", Command(python, ("-c", deaf), {}), home / "log")
    while "deaf" not in (home / "log").read_text():
        assert processes.is_alive(started)
    assert processes.stop(home, ("part",)) == ["part"]
    assert not processes.is_alive(started)


def test_a_program_that_cannot_begin_is_reported_with_its_log(home):
    missing = Command(home / "no-such-program", (), {})
    with pytest.raises(Unavailable, match=r"part \(.*no-such-program\) did not start .*log ends with: .*not found"):
        processes.launch(home, "part", missing, home / "log")


def test_a_log_that_has_grown_large_is_put_aside(home, monkeypatch):
    log = home / "log"
    log.write_text("x" * 100)
    processes.launch(home, "part", SLEEP, log)
    processes.kill(home, "part")
    assert log.read_text() == "x" * 100
    monkeypatch.setattr(processes, "FULL_LOG", 99)
    processes.launch(home, "part", SLEEP, log)
    assert (home / "log.1").read_text() == "x" * 100 and log.read_text() == ""


def test_a_zombie_counts_as_dead(tmp_path):
    child = subprocess.Popen([SLEEP.program, "60"])
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    seen = processes.Process(child.pid, int(fields[19]), os.readlink(f"/proc/{child.pid}/exe"))
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.is_alive(seen)
    child.wait(10)


def test_ports_are_written_once_and_all_differ(tmp_path):
    made = settings.create(tmp_path, ha=True)
    assert settings.load(tmp_path) == made
    assert made.parts == ("orderer", "orderer1", "orderer2", "peer-campus", "peer-police",
                          "chaincode-campus", "chaincode-police")
    ports = [port for by_purpose in made.ports.values() for port in by_purpose.values()]
    assert len(set(ports)) == len(ports) == 17


def test_a_taken_port_is_replaced_by_a_free_one(tmp_path, monkeypatch):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        monkeypatch.setitem(settings.PEER_PORTS["campus"], "grpc", taken)
        made = settings.create(tmp_path)
    port = made.ports["peer-campus"]["grpc"]
    assert port != taken and port in settings.FREE_PORTS


def test_a_home_without_a_network_and_a_broken_file_are_told_apart(tmp_path):
    with pytest.raises(NotFound, match="fabric up"):
        settings.load(tmp_path)
    (tmp_path / settings.FILE).write_text("{")
    with pytest.raises(Rejected, match=r"network\.json is not a network's description"):
        settings.load(tmp_path)
