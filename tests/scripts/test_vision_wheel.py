"""The vision worker's own wheel, installed alone: it starts, and nothing else of ours is there."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from vision.wire import framing

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
OURS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run([ROOT / "scripts/vision-wheel", BIN / "uv", sys.executable, folder], check=True)
    (built,) = folder.glob("*.whl")
    return built


def environment(folder: Path, wheel: Path, packages: list[str]) -> Path:
    """The Python of a new environment with the wheel and links to installed packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    installed = Path(pytest.__file__).parents[1]
    for name in packages:
        for found in installed.glob(name):
            (site / found.name).symlink_to(found)
    python = folder / "bin" / "python"
    subprocess.run([BIN / "uv", "pip", "install", "--quiet", "--python", python, "--offline", "--no-index", "--no-deps",
                    wheel], check=True)
    return python


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("alone") / "venv", wheel, ["numpy", "numpy.libs"])


def test_it_is_a_pure_wheel_of_every_room_but_the_makers_of_packs(wheel: Path) -> None:
    assert wheel.name == "sentrybox_vision-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    assert "Requires-Python: >=3.6" in lines
    assert not [line for line in lines if line.startswith("Requires-Dist")]
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "vision").rglob("*.py")
              if (ROOT / "vision/packs/build") not in path.parents}
    assert {name for name in names if ".dist-info/" not in name} == wanted


def test_it_runs_with_numpy_alone_and_nothing_else_of_ours_is_there(alone: Path, tmp_path: Path) -> None:
    run = subprocess.run([alone, "-m", "vision", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "--graph" in run.stdout
    ask = f"import importlib.util as u; print([n for n in {[*OURS, 'vision.packs.build']} if u.find_spec(n)])"
    found = subprocess.run([alone, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['vision']"


def test_a_backend_that_is_not_installed_is_named(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text(json.dumps({"pack": "p"}))
    run = subprocess.run([alone, "-m", "vision", "--socket", tmp_path / "s", "--graph", tmp_path / "g.json"],
                         cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "the backend cpu cannot run here: No module named" in run.stderr
    assert "Traceback" not in run.stderr


def test_it_serves_where_the_backends_libraries_are(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", wheel, ["numpy*", "gi", "cv2", "opencv*", "onnxruntime", "PIL", "pillow*"])
    (tmp_path / "g.json").write_text(json.dumps({"pack": str(tmp_path / "open-1")}))
    process = subprocess.Popen([python, "-m", "vision", "--socket", tmp_path / "s", "--graph", tmp_path / "g.json"],
                               cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    connection.connect(str(tmp_path / "s"))
                    break
                time.sleep(0.05)
            hello = framing.read_frame(connection.makefile("rb").read)
    finally:
        process.terminate()
        errors = process.communicate(timeout=60)[1].decode()
    assert hello.fields["worker"] == "sentrybox-vision (cpu)", errors
    assert "run `sentrybox models build`" in errors
