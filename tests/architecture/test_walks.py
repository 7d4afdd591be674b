"""docs/walks.md names files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_walks_is_there():
    text = (ROOT / "docs/walks.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text)
    assert len(named) > 50
    assert [name for name in named if not (ROOT / name).is_file()] == []
