"""scripts/setup and its lists, without installing anything."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL_SCRIPTS = [
    path
    for path in (*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci/run", ROOT / "jetson-setup.sh")
    if path.is_file() and path.read_text(errors="replace").startswith("#!/usr/bin/env bash")
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the project that the set-up reads, in a folder of its own."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def tools(folder: Path, **scripts: str) -> dict[str, str]:
    """An environment in which the named programs are ours and the rest is the system's."""
    folder.mkdir()
    for name, body in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def installed_but(removed: str = "", unknown: str = "") -> str:
    """A dpkg-query that has all packages but these: one was removed and kept its settings, of one it knows nothing."""
    return f'''shift 2; for name; do case "$name" in
        "{removed}") printf '%s rc \\n' "$name" ;;
        "{unknown}") echo "no packages found matching $name" >&2 ;;
        *) printf '%s:amd64 ii \\n' "$name" ;;
    esac; done; exit 1'''


def setup(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [folder / "scripts/setup", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL
    )


def test_shell_scripts_are_clean_and_executable() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    assert len(SHELL_SCRIPTS) >= 4
    done = subprocess.run(["shellcheck", *SHELL_SCRIPTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for path in SHELL_SCRIPTS:
        assert os.access(path, os.X_OK), path


def test_without_root_and_sudo_the_missing_packages_are_named(copy: Path, tmp_path: Path) -> None:
    environment = tools(
        tmp_path / "bin",
        dpkg_query=installed_but("mosquitto", "chromium"),
        id="echo 1000",
        sudo="exit 1",
    )
    done = setup(copy, environment)
    assert done.returncode == 1
    assert "neither root nor sudo" in done.stderr
    assert "apt-get install --no-install-recommends chromium mosquitto" in done.stderr


def test_sudo_installs_only_what_is_missing(copy: Path, tmp_path: Path) -> None:
    environment = tools(
        tmp_path / "bin",
        dpkg_query=installed_but("mosquitto"),
        id="echo 1000",
        sudo='[ "$2" = true ] || { echo "sudo $*" >>"$SUDO_LOG"; exit 7; }',
    )
    environment["SUDO_LOG"] = str(tmp_path / "sudo.log")
    done = setup(copy, environment)
    assert done.returncode == 1, "the failed installation must end the set-up"
    assert "step 1" in done.stderr
    assert (tmp_path / "sudo.log").read_text() == "sudo -n scripts/apt-install mosquitto\n"


def test_an_old_python_is_refused(copy: Path, tmp_path: Path) -> None:
    environment = tools(tmp_path / "bin", dpkg_query=installed_but(), python_old="exit 1")
    done = setup(copy, {**environment, "PYTHON": "python-old"})
    assert done.returncode == 1
    assert "PYTHON=python-old is not a Python 3.11 or newer" in done.stderr


def test_an_unknown_argument_is_named(copy: Path) -> None:
    done = setup(copy, dict(os.environ), "--fast")
    assert done.returncode == 1
    assert "'--fast'" in done.stderr


def test_locks_pin_everything_by_checksum_and_name_no_host() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text()
        assert "://" not in text and "--index-url" not in text and "--find-links" not in text, lock.name
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(r"[\w.-]+==\S+", block), f"{lock.name}: {block[:60]}"
            assert "--hash=sha256:" in block, f"{lock.name}: {block[:60]}"


def test_make_alone_prints_every_target() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    for target in ("setup", "run", "test", "test-slow", "lint", "bench", "clean"):
        assert f"make {target} " in done.stdout
