"""The worker runs under a Jetson's own Python 3.6, and only its CPU backend needs more than numpy and gi."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

VISION = Path(__file__).parents[2] / "vision"
# Packs are made elsewhere, by the box's own Python.
FILES = sorted(set(VISION.rglob("*.py")) - set((VISION / "packs" / "build").rglob("*.py")))
ALLOWED = {"numpy", "gi", "vision"}
CPU_ONLY = {"cv2", "onnxruntime", "PIL"}


def test_no_file_needs_more_than_python_36():
    command = [sys.executable, "-c", "import vermin; vermin.main()", "-t=3.6-", "--violations", "--no-tips",
               "--eval-annotations", *map(str, FILES)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(VISION)))
def test_imports_are_those_of_its_place(file):
    allowed = ALLOWED | CPU_ONLY if file.parent.name == "cpu" else ALLOWED
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
            [node.module] if isinstance(node, ast.ImportFrom) else [])
        for name in names:
            top = name.split(".")[0]
            assert top in allowed or top in sys.stdlib_module_names, f"{file.name} imports {name}"
            assert not name.startswith("vision.packs.build"), f"{file.name} imports {name}"
