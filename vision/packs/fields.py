"""Reads the fields of a manifest; an error names the place, what was found there and what is allowed."""

import math
from typing import Any, List, Tuple


class ManifestError(ValueError):
    """The pack is absent, incomplete or damaged; the text says what to do."""


class Section:
    """An object of the manifest. `end` raises for fields that nothing has read: none is without a use."""

    def __init__(self, place: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise ManifestError(f"{place}: found {value!r}; expected an object")
        self.place = place
        self._value = value
        self._unread = set(value)

    def names(self) -> List[str]:
        """Gives the names of all fields, sorted."""
        return sorted(self._value)

    def section(self, key: str) -> "Section":
        """Gives the object in a field."""
        return Section(f"{self.place}.{key}", self._take(key))

    def text(self, key: str) -> str:
        """Gives a text that is not empty."""
        value = self._take(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, value, "a text")
        return value

    def word(self, key: str, known: Tuple[str, ...]) -> str:
        """Gives one of the `known` words."""
        value = self._take(key)
        if value not in known:
            raise ManifestError(f"{self.place}.{key}: {value!r} is not known; known: {', '.join(known)}")
        return str(value)

    def number(self, key: str, low: float, high: float) -> float:
        """Gives a number from `low` to `high`."""
        value = self._take(key)
        if not _is_number(value) or not low <= value <= high:
            raise self._wrong(key, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        """Gives a whole number from `low` to `high`."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def numbers(self, key: str) -> Tuple[float, ...]:
        """Gives a list of numbers."""
        value = self._take(key)
        if not isinstance(value, list) or not all(_is_number(item) for item in value):
            raise self._wrong(key, value, "a list of numbers")
        return tuple(float(item) for item in value)

    def wholes(self, key: str) -> Tuple[int, ...]:
        """Gives a list of whole numbers above 0."""
        values = self.numbers(key)
        if not values or any(value < 1 or value != int(value) for value in values):
            raise self._wrong(key, list(values), "a list of whole numbers above 0")
        return tuple(int(value) for value in values)

    def end(self) -> None:
        """Raises ManifestError for a field that is not known."""
        if self._unread:
            known = ", ".join(sorted(set(self._value) - self._unread))
            raise ManifestError(f"{self.place}.{min(self._unread)}: this field is not known; known: {known}")

    def _take(self, key: str) -> Any:
        if key not in self._value:
            raise ManifestError(f"{self.place}.{key} is missing: the manifest is incomplete")
        self._unread.discard(key)
        return self._value[key]

    def _wrong(self, key: str, value: Any, expected: str) -> ManifestError:
        return ManifestError(f"{self.place}.{key}: found {value!r}; expected {expected}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
