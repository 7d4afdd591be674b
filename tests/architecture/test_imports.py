"""The arrows of the architecture, read from the imports; and that this reading notices a reversed arrow."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))
from imports import ROOTS, circle, violations  # noqa: E402


def test_every_import_follows_the_arrows():
    assert violations(ROOT) == []


def test_no_circle_of_imports_between_folders():
    assert circle(ROOT) == []


@pytest.mark.parametrize(("file", "line"), [
    ("contract/ledger.py", "from contract.proof.document import Proof"),
    ("cloud/database/changes.py", "from cloud.database.ledger import jobs"),
    ("police/details.py", "from police.api import entries"),
    ("web/guard.py", "from appliance.api import ports"),
])
def test_a_circle_is_noticed(tree, file, line):
    _write_first(tree / file, line)
    assert circle(tree), f"{file} may not say {line!r}"


@pytest.mark.parametrize(("file", "line"), [
    ("contract/chain.py", "from appliance.store import chain"),
    ("contract/proof/document.py", "import cloud.ledger"),
    ("appliance/store/connection.py", "from appliance.api import ports"),
    ("appliance/pipeline/rules/rule.py", "from appliance.store import connection"),
    ("vision/wire/framing.py", "from contract.errors import Rejected"),
    ("vision/wire/framing.py", "from vision.sight import Face"),
    ("vision/worker/publisher.py", "from vision.cpu import pixels"),
    ("vision/people/describer.py", "from vision.cpu import pixels"),
    ("cloud/ingest/__init__.py", "from cloud.notify import dispatch"),
    ("cloud/database/engine.py", "from appliance.store import connection"),
    ("cloud/ingest/__init__.py", "from ..admin import app"),
])
def test_a_reversed_arrow_is_noticed(tree, file, line):
    _write_first(tree / file, line)
    assert violations(tree), f"{file} may not say {line!r}"


@pytest.fixture
def tree(tmp_path):
    """A copy of the tree, to be spoiled."""
    for top in ROOTS:
        shutil.copytree(ROOT / top, tmp_path / top, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def _write_first(file, line):
    file.write_text(line + "\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
