"""Docstrings are plain: what a public function does stands first as a verb, and says so in a whole sentence."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOPS = ("contract", "access", "web", "cloud", "police", "appliance", "sentrybox", "demo", "vision", "visionlink")

QUESTIONS = frozenset({"What", "Whether", "Who", "Whose", "How", "Where", "Why", "Which", "When"})
NO_VERBS = QUESTIONS | frozenset({
    "The", "A", "An", "All", "One", "Each", "Every", "Those", "Its", "It", "They", "There", "None", "Nothing",
    "Everything", "Something", "Somebody", "For", "From", "To", "In", "At", "By", "As", "With", "Without", "On", "Of",
    "Is", "Are", "Was", "Did", "May", "No", "Newest", "Same"})
LONG = 10
"""A public function of more statements than this has a docstring."""
SHARED = {
    "a port and what keeps it": ("Cameras", "Feed", "Files", "Incidents", "Logs", "Notices", "Outbox",
                                 "Profiles", "Store", "Trail", "Zones"),
    "the same thing in several applications": (
        "AccessTables", "Authority", "Enrolled", "HttpSettings", "IncidentAction", "LedgerAnswer", "NewNotice",
        "PageRoute", "Ready", "Services", "TrailLine", "VisionSettings"),
    "the same thing on both sides of a wall that no import crosses": (
        "Face", "Identity", "OrdererSignature", "Section", "Thresholds"),
    "a thing and what makes it": ("Embedder", "Track"),
}
"""Class names that stand in more than one file, and why they may."""
COMMANDS = ("arguments", "run", "main")
"""What the docstring of their module describes."""


def faults(source: str) -> Iterator[str]:
    """Yield what is wrong with the docstrings of a module, one line each."""
    tree = ast.parse(source)
    text = ast.get_docstring(tree)
    if text is not None:
        yield from _of_text("the module", text, QUESTIONS)
    yield from _of_members(tree, "")


def _of_members(node: ast.Module | ast.ClassDef, within: str) -> Iterator[str]:
    for member in node.body:
        if not isinstance(member, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or member.name.startswith("_"):
            continue
        name, text = within + member.name, ast.get_docstring(member)
        if isinstance(member, ast.ClassDef):
            if text is not None:
                yield from _of_text(name, text, QUESTIONS)
            yield from _of_members(member, name + ".")
        elif text is not None:
            yield from _of_text(name, text, NO_VERBS)
        elif not within and member.name not in COMMANDS and _statements(member) > LONG:
            yield f"{name}: no docstring"


def _statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return sum(isinstance(part, ast.stmt) for part in ast.walk(function)) - 1


def _of_text(name: str, text: str, no_first_words: frozenset[str]) -> Iterator[str]:
    paragraph = " ".join(text.split("\n\n")[0].split())
    word = re.match(r"[\w'-]*", paragraph)
    assert word is not None
    if word.group() in no_first_words:
        yield f"{name}: begins with {word.group()!r}"
    if no_first_words is NO_VERBS and paragraph[:1].islower():
        yield f"{name}: begins with a small letter"
    if paragraph[-1:] not in ".:?!)" and not re.search(r"https?://\S+$|^python -m \w+$", paragraph):
        yield f"{name}: the first paragraph does not end"


@pytest.mark.parametrize("top", TOPS)
def test_docstrings_are_plain(top: str) -> None:
    found = [f"{path.relative_to(ROOT)}: {fault}" for path in sorted((ROOT / top).rglob("*.py"))
             for fault in faults(path.read_text(encoding="utf-8"))]
    assert found == [], "begin with a verb (functions) or a noun (classes, modules), in a whole sentence:\n" + \
        "\n".join(found)


def test_a_class_name_stands_for_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    shared = {name for names in SHARED.values() for name in names}
    assert {name: files for name, files in places.items() if len(files) > 1 and name not in shared} == {}
    assert [name for name in sorted(shared) if len(places.get(name, ())) < 2] == []


@pytest.mark.parametrize(("source", "fault"), [
    ('"""What is said of a face."""', "the module: begins with 'What'"),
    ('class Near:\n    """How near it is."""', "Near: begins with 'How'"),
    ('def find():\n    """The person."""', "find: begins with 'The'"),
    ('class Box:\n    def area(self):\n        """Whether it has one."""', "Box.area: begins with 'Whether'"),
    ('def find():\n    """find the person."""', "find: begins with a small letter"),
    ('def find():\n    """Return the person"""', "find: the first paragraph does not end"),
    ("def find():\n" + "    find()\n" * (LONG + 1), "find: no docstring"),
])
def test_a_riddle_is_noticed(source: str, fault: str) -> None:
    assert list(faults(source)) == [fault]


def test_plain_words_pass() -> None:
    plain = ('"""A face."""\nclass Near:\n    """A person near a face."""\n'
             '    def name(self):\n        """Return it."""\n')
    assert list(faults(plain + 'def _what():\n    """What?"""\ndef short(): pass\n')) == []
