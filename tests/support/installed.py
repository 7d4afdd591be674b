"""Sentrybox as it is installed: its wheel in a new environment that has the packages of some extras and no others."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
LEFT_OUT = {"bench", "tests"}
"""First-party packages that are for working on Sentrybox, not for running it."""


def packages(root: Path = ROOT) -> list[str]:
    """The names of the top-level packages that belong into the wheel."""
    return sorted(path.parent.name for path in root.glob("*/__init__.py") if path.parent.name not in LEFT_OUT)


def build_wheel(home: Path) -> Path:
    """The wheel, built in a copy of the tree. Raises CalledProcessError."""
    tree = home / "tree"
    for name in packages():
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    subprocess.run([UV, "build", "--quiet", "--offline", "--no-build-isolation", "--python", sys.executable, "--wheel",
                    "--out-dir", home, tree], check=True, timeout=100)
    [wheel] = home.glob("*.whl")
    return wheel


class Environment:
    """A new virtual environment with the wheel, and of other packages only what `extras` say it needs.

    Those are not fetched: they are linked, file by file, from the environment that the tests run in.
    """

    def __init__(self, home: Path, wheel: Path, extras: tuple[str, ...]) -> None:
        venv.create(home, with_pip=False)
        self.home = home
        self._site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
        subprocess.run([UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", home / "bin" / "python",
                        wheel], check=True, timeout=100)
        [metadata] = self._site.glob("sentrybox-*.dist-info")
        for name in sorted(_needed(PathDistribution(metadata).requires or [], frozenset(extras), {})):
            self._link(name)

    def command(self, *words: str) -> list[str]:
        return [str(self.home / "bin" / "sentrybox"), *words]

    def python(self, *words: str) -> list[str]:
        return [str(self.home / "bin" / "python"), *words]

    def environment(self) -> dict[str, str]:
        """For a process: nothing in it leads back to the tree."""
        return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")
                } | {"PYTHONUNBUFFERED": "1"}

    def has(self, module: str) -> bool:
        """Whether the module can be imported there."""
        return subprocess.run(self.python("-c", f"import {module}"), cwd=self.home, env=self.environment(),
                              capture_output=True, check=False, timeout=60).returncode == 0

    def _link(self, name: str) -> None:
        found = distribution(name)
        for file in found.files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue  # programs, which no process of ours runs, and what is made anew
            target = self._site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(Path(str(found.locate_file(file))).resolve())


def _needed(requirements: list[str], extras: frozenset[str], seen: dict[str, frozenset[str]]) -> set[str]:
    """The names of the distributions that these requirements lead to, with those that they require themselves."""
    names: set[str] = set()
    for text in requirements:
        one = Requirement(text)
        name = canonicalize_name(one.name)
        if one.marker is not None and not any(one.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        wanted = frozenset(one.extras) or frozenset({""})
        if wanted <= seen.get(name, frozenset()):
            continue
        seen[name] = seen.get(name, frozenset()) | wanted
        if name == "sentrybox":
            names |= _needed(requirements, wanted, seen)
            continue
        names.add(name)
        names |= _needed(distribution(name).requires or [], wanted, seen)
    return names
