"""Types are checked strictly everywhere: what mypy.ini leaves out is named here, and nothing else may be."""

import configparser
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_PACKAGES = {"tests", "var", "build", "dist"}
# Apprise's own annotations for mail do not fit its code, so neither do those of a class made of it.
LESS_STRICT = {"mypy-cloud.notify.mail": {"disable_error_code": "attr-defined,arg-type,no-untyped-call,override"}}
THIRD_PARTIES = {"dlib", "fabric_protos", "gi", "google", "grpc", "onnxruntime", "tflite"}


def configured(root: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser()
    found.read(root / "mypy.ini", encoding="utf-8")
    return found


def packages(root: Path) -> set[str]:
    """The folders at the top that hold modules of ours."""
    return {path.name for path in root.iterdir() if path.is_dir() and path.name not in NOT_PACKAGES
            and not path.name.startswith(".") and any(path.glob("*.py"))}


def unchecked(root: Path) -> set[str]:
    """Packages of ours that mypy.ini does not name."""
    return packages(root) - set(configured(root)["mypy"]["packages"].split(","))


def exceptions(root: Path) -> dict[str, dict[str, str]]:
    """Section -> options, of all sections of mypy.ini that are not about third parties."""
    return {name: dict(section) for name, section in configured(root).items()
            if name not in ("DEFAULT", "mypy")
            and not {pattern.split(".")[0] for pattern in name.removeprefix("mypy-").split(",")} <= THIRD_PARTIES}


def ignored(root: Path) -> dict[str, int]:
    """File -> how often it tells mypy to look away."""
    found = {}
    for package in packages(root):
        for path in (root / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if count := len(re.findall(r"#\s*(?:type:\s*ignore|mypy:)", text)):
                found[path.relative_to(root).as_posix()] = count
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "mypy.ini", tmp_path)
    for package in packages(ROOT):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_every_package_is_checked():
    assert unchecked(ROOT) == set()


def test_strictness_is_on_for_all():
    general = configured(ROOT)["mypy"]
    assert general.getboolean("strict")
    assert set(general) == {"python_version", "packages", "strict", "warn_unreachable", "untyped_calls_exclude"}


def test_the_exceptions_are_those_named_here():
    assert exceptions(ROOT) == LESS_STRICT
    assert ignored(ROOT) == {}


def test_a_new_package_is_noticed(tree):
    assert unchecked(tree) == set()
    (tree / "anew").mkdir()
    (tree / "anew" / "parts.py").touch()
    assert unchecked(tree) == {"anew"}


def test_a_new_exception_is_noticed(tree):
    with open(tree / "mypy.ini", "a", encoding="utf-8") as file:
        file.write("\n[mypy-cloud.ledger.*]\nignore_errors = True\n")
    assert "mypy-cloud.ledger.*" in exceptions(tree)


@pytest.mark.parametrize("line", ["x: int = ''  # type: ignore[assignment]", "# mypy: ignore-errors"])
def test_a_module_that_is_not_looked_at_is_noticed(tree, line):
    (tree / "cloud" / "here.py").write_text(line + "\n", encoding="utf-8")
    assert ignored(tree) == {"cloud/here.py": 1}
