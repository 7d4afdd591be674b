"""The arrows of the architecture, read from the imports; and that this reading notices a reversed arrow."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))
from imports import ROOTS, violations  # noqa: E402


def test_every_import_follows_the_arrows():
    assert violations(ROOT) == []


@pytest.mark.parametrize(("file", "line"), [
    ("contract/chain.py", "from appliance.store import chain"),
    ("contract/proof/document.py", "import cloud.ledger"),
    ("appliance/store/connection.py", "from appliance.api import ports"),
    ("appliance/pipeline/rules/rule.py", "from appliance.store import connection"),
    ("vision/wire/framing.py", "from contract.errors import Rejected"),
    ("cloud/ingest/__init__.py", "from cloud.notify import dispatch"),
    ("cloud/database/engine.py", "from appliance.store import connection"),
    ("cloud/ingest/__init__.py", "from ..admin import app"),
])
def test_a_reversed_arrow_is_noticed(tmp_path, file, line):
    for top in ROOTS:
        if (ROOT / top).is_dir():
            shutil.copytree(ROOT / top, tmp_path / top, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / file
    target.write_text(line + "\n" + target.read_text(encoding="utf-8"), encoding="utf-8")
    assert violations(tmp_path), f"{file} may not say {line!r}"
