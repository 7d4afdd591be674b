"""Reading a process's one TOML file. An error names file, key, the value found and what is allowed."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import Rejected


class Section(BaseModel):
    """A part of a configuration file: frozen, and a key it does not know is a typo, not a wish.

    `MOVED`: keys that stood here once, and where to write now what they said."""

    MOVED: ClassVar[dict[str, str]] = {}
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=Section)


def _explain(error: ValidationError, kind: type[Section], document: dict[str, Any]) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False):
        key = _dotted(problem["loc"]) or "the file"
        called = _called(document, problem["loc"])
        if problem["type"] == "extra_forbidden":
            section = _section_at(kind, problem["loc"][:-1])
            moved = getattr(section, "MOVED", {}).get(problem["loc"][-1])
            known = ", ".join(sorted(section.model_fields)) if section is not None else ""
            lines.append(f"{key}: {moved or 'unknown key; allowed here: ' + known}{called}")
        elif problem["type"] == "missing":
            lines.append(f"{key}: is required and missing{called}")
        else:
            lines.append(f"{key}: found {problem['input']!r}: {problem['msg']}{called}")
    return lines


def _dotted(path: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in path)


def _called(document: Any, path: Sequence[int | str]) -> str:
    """Return how the file calls what stands by number on the way to the error: " (cameras.0 is gate)"."""
    names = []
    for number, part in enumerate(path):
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(part, int) and isinstance(document, dict):
            name = document.get("id") or document.get("name")
            if isinstance(name, str):
                names.append(f"{_dotted(path[:number + 1])} is {name}")
    return f" ({', '.join(names)})" if names else ""


def _section_at(kind: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the section that `path` leads to, None where there is none."""
    for part in path:
        if isinstance(part, str) and part in kind.model_fields:
            found = _section_in(kind.model_fields[part].annotation)
            if found is None:
                return None
            kind = found
    return kind


def _section_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _section_in(inner)) is not None:
            return found
    return None


def read_config(path: Path, kind: type[S]) -> S:
    """Return the validated content. Raises Rejected with one line per problem; relative paths are left as they are."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{path}: cannot be read: {error}", hint="give the path of a readable TOML file") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Rejected(f"{path}: not TOML: {error}") from error
    try:
        return kind(**document)
    except ValidationError as error:
        raise Rejected("\n".join(f"{path}: {line}" for line in _explain(error, kind, document))) from error
