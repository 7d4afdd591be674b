"""jetson-setup.sh against fake boards: what it recognises, refuses and would do."""

import hashlib
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "jetson-setup.sh"
NANO = "NVIDIA Jetson Nano Developer Kit"
ORIN = "NVIDIA Jetson Orin Nano Developer Kit Super"
SUPPORTED = [
    (NANO, 32, "7.1", "4.6.1"),
    (NANO, 32, "7.2", "4.6.2"),
    (NANO, 32, "7.3", "4.6.3"),
    (NANO, 32, "7.4", "4.6.4"),
    (NANO, 32, "7.5", "4.6.5"),
    (NANO, 32, "7.6", "4.6.6"),
    (ORIN, 36, "4.0", "6.1"),
    (ORIN, 36, "4.3", "6.2"),
    (ORIN, 36, "4.4", "6.2.1"),
    (ORIN, 36, "5.0", "6.2.2"),
]


def board(root: Path, model: str, release: int, revision: str) -> Path:
    """The files by which a board and its JetPack are recognised."""
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_bytes(model.encode() + b"\0")
    (root / "etc").mkdir()
    (root / "etc/nv_tegra_release").write_text(
        f"# R{release} (release), REVISION: {revision}, GCID: 29818004, BOARD: t210ref, EABI: aarch64, DATE: x\n"
    )
    (root / "etc/group").write_text("video:x:44:\n")
    return root


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60)


def dry(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("--dry-run", "--root", root, *arguments)


@pytest.mark.parametrize(("model", "release", "revision", "jetpack"), SUPPORTED)
def test_supported_boards_are_named_with_their_jetpack(tmp_path, model, release, revision, jetpack) -> None:
    done = dry(board(tmp_path, model, release, revision))
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"found {model}, L4T {release}.{revision} (JetPack {jetpack}): profile ")
    assert "[9/9]" in done.stdout


@pytest.mark.parametrize(
    ("model", "release", "revision", "named"),
    [
        ("NVIDIA Jetson Xavier NX Developer Kit", 35, "4.1", "Xavier NX"),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", 36, "4.3", "Orin NX"),
        ("Raspberry Pi 4 Model B", 36, "4.3", "Raspberry Pi 4"),
        ("NVIDIA Jetson Nano 2GB Developer Kit", 32, "7.1", "2 GB"),
        (NANO, 32, "5.1", "L4T 32.5.1"),
        (NANO, 36, "4.3", "L4T 36.4.3"),
        (ORIN, 32, "7.1", "L4T 32.7.1"),
        (ORIN, 36, "4.2", "L4T 36.4.2"),
        (ORIN, 36, "4.30", "L4T 36.4.30"),
    ],
)
def test_other_machines_are_refused_in_words(tmp_path, model, release, revision, named) -> None:
    done = dry(board(tmp_path, model, release, revision))
    assert done.returncode == 1
    assert named in done.stderr
    assert "Jetson Nano with L4T 32.7.1 (JetPack 4.6.1)" in done.stderr
    assert "Jetson Orin Nano with L4T 36.5.0 (JetPack 6.2.2)" in done.stderr
    assert "would run" not in done.stdout


def test_a_machine_that_is_no_jetson_is_refused(tmp_path) -> None:
    done = dry(tmp_path)
    assert done.returncode == 1
    assert "not a Jetson" in done.stderr


def test_a_release_file_that_cannot_be_read_is_quoted(tmp_path) -> None:
    board(tmp_path, NANO, 32, "7.1")
    (tmp_path / "etc/nv_tegra_release").write_text("hello\n")
    done = dry(tmp_path)
    assert done.returncode == 1
    assert "'hello'" in done.stderr


def test_missing_pyds_and_models_are_named_not_faked(tmp_path) -> None:
    done = dry(board(tmp_path, ORIN, 36, "4.3"))
    assert "needs pyds wheel given by --pyds FILE --pyds-sha256 HEX" in done.stdout
    assert "needs a model pack" in done.stdout
    assert "needs DeepStream 7.1" in done.stdout


def test_pyds_is_refused_when_its_checksum_does_not_fit(tmp_path) -> None:
    root = board(tmp_path / "root", ORIN, 36, "4.3")
    wheel = tmp_path / "pyds.whl"
    wheel.write_bytes(b"wheel")
    digest = hashlib.sha256(b"wheel").hexdigest()
    assert dry(root, "--pyds", wheel).returncode == 1
    wrong = dry(root, "--pyds", wheel, "--pyds-sha256", "0" * 64)
    assert wrong.returncode == 1
    assert digest in wrong.stderr
    right = dry(root, "--pyds", wheel, "--pyds-sha256", digest)
    assert right.returncode == 0, right.stderr
    assert f"--no-index {wheel}" in right.stdout


@pytest.mark.parametrize(
    ("model", "release", "revision", "python"), [(NANO, 32, "7.1", "3.6"), (ORIN, 36, "4.3", "3.10")]
)
def test_the_worker_goes_into_jetpacks_own_python(tmp_path, model, release, revision, python) -> None:
    """Also without pyds: what builds it, where it is installed, and that nothing is fetched for it."""
    lines = dry(board(tmp_path, model, release, revision)).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if "the vision worker, alone" in line)
    assert f"JetPack's Python {python}" in lines[start]
    _, build, make, install = (line.split("would run: ")[1] for line in lines[start + 1:start + 5])
    script, *arguments = build.split()
    assert Path(script) == SCRIPT.parent / "scripts/vision-wheel"
    assert Path(script).stat().st_mode & 0o100
    assert arguments == ["/opt/sentrybox/bootstrap/bin/uv", "/opt/sentrybox/venv/bin/python", "/opt/sentrybox/wheels"]
    assert make == f"python{python} -m venv --system-site-packages /opt/sentrybox/vision"
    assert install == ("/opt/sentrybox/vision/bin/python -m pip install --no-deps --no-index --force-reinstall "
                       "--find-links /opt/sentrybox/wheels sentrybox-vision")


def test_what_is_there_is_not_done_again(tmp_path) -> None:
    root = board(tmp_path, NANO, 32, "7.4")
    before = dry(root).stdout
    (root / "opt/nvidia/deepstream/deepstream-6.0").mkdir(parents=True)
    (root / "etc/passwd").write_text("sentrybox:x:990:990::/data/sentrybox:/usr/sbin/nologin\n")
    python = root / "opt/sentrybox/venv/bin/python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    (root / "data/sentrybox/models/open-1").mkdir(parents=True)
    after = dry(root).stdout
    for command in ("would run: useradd", "python install 3.11", "needs DeepStream", "needs a model pack"):
        assert command in before
        assert command not in after


def test_root_is_refused_outside_a_dry_run(tmp_path) -> None:
    done = run("--root", board(tmp_path, NANO, 32, "7.1"))
    assert done.returncode == 1
    assert "--dry-run" in done.stderr


def test_help_names_every_supported_release() -> None:
    done = run("--help")
    assert done.returncode == 0
    for _, release, revision, jetpack in SUPPORTED:
        assert f"L4T {release}.{revision}" in done.stdout
        assert f"(JetPack {jetpack})" in done.stdout


@pytest.mark.parametrize("arguments", [["--what"], ["--pyds"], ["--models"]])
def test_wrong_arguments_are_named(arguments) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert arguments[0] in done.stderr
