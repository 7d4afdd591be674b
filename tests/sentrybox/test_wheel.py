"""The wheel: all of the tree is in it, and every process starts from it with nothing but its own extra's packages."""

import contextlib
import json
import select
import signal
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cloud.ledger.fabric import identities, profiles
from sentrybox.cli import EXTRAS
from tests.support import postgres
from tests.support.cloud_site import Site
from tests.support.installed import ROOT, Environment, build_wheel, packages
from tests.support.ports import free_port

MODELS = ROOT / "var" / "models" / "open-1"
START_S = 60.0
# For whoever works on the tree: settings of tools, and the vision worker's own small distribution.
NOT_INSTALLED = {"vision/ruff.toml", "vision/pyproject.toml"}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """installed("box", "vision"): an environment with these extras, made once."""
    made: dict[tuple[str, ...], Environment] = {}

    def environment(*extras: str) -> Environment:
        if extras not in made:
            made[extras] = Environment(tmp_path_factory.mktemp("-".join(("with", *extras))), wheel, extras)
        return made[extras]

    return environment


@contextlib.contextmanager
def running(environment: Environment, folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process of the environment, started outside the tree; it must end when it is asked to."""
    process = subprocess.Popen(words, cwd=folder, env=environment.environment(), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        # A box ends its pages' server last, which then hands the signal on.
        assert process.wait(30) in (0, -signal.SIGTERM)


def ready_line(process: subprocess.Popen[str]) -> str:
    """What it says when it is ready."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if readable else ""
    assert "ready" in line, f"it said {line!r} and ended with {process.poll()}"
    return line


def pages(line: str) -> str:
    return line.split("pages at ")[1].split(",")[0].strip()


def until(look: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_S
    while not look():
        assert process.poll() is None and time.monotonic() < deadline, f"not ready; it ended with {process.poll()}"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_all_of_the_tree_is_in_it_and_nothing_else(wheel: Path) -> None:
    paths = [path.relative_to(ROOT) for name in packages() for path in (ROOT / name).rglob("*") if path.is_file()]
    tree = {str(path) for path in paths if not any(part.startswith((".", "__pycache__")) for part in path.parts)}
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert sorted(tree - NOT_INSTALLED - inside) == [], "missing from the wheel"
    assert sorted(inside - tree) == [], "not of the tree"


def test_the_box_gets_ready(installed: Callable[..., Environment], tmp_path: Path) -> None:
    environment, port = installed("box", "vision"), free_port()
    config = tmp_path / "box.toml"
    config.write_text(f'box = "gate"\nhome = "{tmp_path}/box"\n[http]\nport = {port}\n[vision]\nmodels = "{MODELS}"\n')
    with running(environment, tmp_path, *environment.command("box", "--config", str(config))) as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), process)
        assert "Sentrybox" in httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, follow_redirects=True).text


def test_a_vision_worker_listens(installed: Callable[..., Environment], tmp_path: Path) -> None:
    environment, path, graph = installed("vision"), tmp_path / "v.sock", tmp_path / "graph.json"
    graph.write_text(json.dumps({"pack": str(MODELS)}))
    words = environment.python("-m", "vision", "--socket", str(path), "--graph", str(graph))

    def listens() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return path.exists() and probe.connect_ex(str(path)) == 0

    with running(environment, tmp_path, *words) as process:
        until(listens, process)


@pytest.mark.parametrize("parts", [(), ("admin",)], ids=["whole", "admin"])
def test_the_cloud_gets_ready(installed: Callable[..., Environment], tmp_path: Path, parts: tuple[str, ...]) -> None:
    environment, site = installed("cloud"), Site(tmp_path)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres.new_database()) if parts else ""
        words = ["cloud", "--config", str(site.config(url)), *(word for part in parts for word in ("--part", part))]
        process = stack.enter_context(running(environment, tmp_path, *environment.command(*words)))
        assert httpx.get(f"{pages(ready_line(process))}/healthz", trust_env=False).status_code == 200


def test_the_police_get_ready(installed: Callable[..., Environment], tmp_path: Path) -> None:
    environment = installed("police")
    identities.make(tmp_path / "fabric")
    profiles.write(tmp_path / "fabric", dict.fromkeys(("campus", "police"), "127.0.0.1:1"))
    (tmp_path / "token").write_text("token")
    config = tmp_path / "police.toml"
    config.write_text(f"""\
home = "{tmp_path}/police"
url = "http://127.0.0.1:8543"
[ledger]
profile = "{tmp_path}/fabric/profiles/police.json"
[campus]
url = "http://127.0.0.1:1"
token_file = "{tmp_path}/token"
[http]
port = 0
""")
    with running(environment, tmp_path, *environment.command("police", "--config", str(config))) as process:
        assert httpx.get(f"{pages(ready_line(process))}/healthz", trust_env=False).status_code == 200


def test_the_stand_in_of_the_providers_gets_ready(installed: Callable[..., Environment], tmp_path: Path) -> None:
    environment = installed("demo")
    words = environment.python("-m", "demo.standin", "--home", str(tmp_path))
    with running(environment, tmp_path, *words) as process:
        page = ready_line(process).split()[1]
        assert httpx.get(page, trust_env=False).status_code == 200


def test_the_doctor_of_a_box_needs_no_package_of_the_cloud(installed: Callable[..., Environment], tmp_path: Path
                                                           ) -> None:
    environment, config = installed("box", "vision"), tmp_path / "box.toml"
    config.write_text(f'box = "gate"\nhome = "{tmp_path}/box"\n[vision]\nmodels = "{MODELS}"\n')
    done = run(environment, tmp_path, "doctor", "--config", str(config))
    assert done.returncode == 1 and "this box is not claimed" in done.stdout, done.stderr
    assert "all checksums fit" in done.stdout
    cloud = ("--cloud-config", str(Site(tmp_path).config()))
    again = run(environment, tmp_path, "doctor", "--config", str(config), *cloud)
    assert again.returncode == 3 and "pip install 'sentrybox[box,cloud]'" in again.stderr


def test_a_network_of_fabric_is_told_what_it_lacks(installed: Callable[..., Environment], tmp_path: Path) -> None:
    environment = installed("cloud")
    assert "docs/fabric.md" in run(environment, tmp_path, "fabric", "--help").stdout
    done = run(environment, tmp_path, "fabric", "status")
    assert done.returncode in (1, 3) and "Traceback" not in done.stderr and "fabric" in done.stderr


def test_a_pack_can_be_built_with_its_extra(installed: Callable[..., Environment]) -> None:
    assert installed("models").has("vision.packs.build.embedder, vision.packs.build.tflite_to_onnx")


@pytest.mark.parametrize("words", [
    ("box", "--config", "box.toml"), ("cloud", "--config", "cloud.toml"), ("police", "--config", "police.toml"),
    ("cloud", "--part", "police", "--config", "police.toml"), ("vision", "--socket", "v.sock", "--graph", "graph.json"),
    ("models", "build"), ("ledger", "audit", "--config", "cloud.toml"), ("ledger", "export", "--config", "box.toml"),
], ids=" ".join)
def test_without_its_extra_a_command_names_it(installed: Callable[..., Environment], tmp_path: Path,
                                              words: tuple[str, ...]) -> None:
    (tmp_path / "graph.json").write_text(json.dumps({"pack": str(MODELS)}))
    (tmp_path / "box.toml").write_text('box = "gate"\nhome = "box"\n')
    done = run(installed(), tmp_path, *words)
    assert done.returncode != 0
    assert f"pip install 'sentrybox[{EXTRAS[words[0]]}]'" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["users", "incidents", "verify"])
def test_what_talks_to_a_server_or_reads_a_proof_needs_no_extra(installed: Callable[..., Environment], tmp_path: Path,
                                                                command: str) -> None:
    done = run(installed(), tmp_path, command, "--help")
    assert done.returncode == 0 and f"sentrybox {command}" in done.stdout, done.stderr


@pytest.mark.parametrize(("extras", "absent"), [
    (("police",), ("cv2", "faiss", "gi", "onnxruntime", "paho", "PIL", "sqlite_utils")),
    (("cloud",), ("cv2", "faiss", "gi", "onnxruntime", "PIL", "sqlite_utils")),
    (("box",), ("cv2", "gi", "onnxruntime", "PIL", "apprise", "psycopg", "sqlmodel")),
], ids=lambda value: "-".join(value) if len(value) == 1 else "")
def test_a_machine_gets_no_other_machines_packages(installed: Callable[..., Environment], extras: tuple[str, ...],
                                                   absent: tuple[str, ...]) -> None:
    assert [name for name in absent if installed(*extras).has(name)] == []


def run(environment: Environment, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(environment.command(*words), cwd=folder, env=environment.environment(), capture_output=True,
                          text=True, check=False, timeout=60)
