"""The faces in memory: one FAISS index per pack over the mean of each person's templates. Never the truth."""

import logging
import threading
from collections.abc import Iterable

import faiss
import numpy as np

from contract.match import Near
from contract.observation import vector_from_text
from contract.profile import Template

log = logging.getLogger(__name__)


class _Pack:
    def __init__(self, size: int) -> None:
        self.size = size
        self.index = faiss.IndexIDMap2(faiss.IndexFlatL2(size))
        self.people: dict[int, str] = {}
        self.numbers: dict[str, int] = {}

    def put(self, number: int, person: str, vectors: np.ndarray) -> None:
        self.people[number], self.numbers[person] = person, number
        mean = vectors.mean(axis=0, keepdims=True).astype("<f4")
        self.index.add_with_ids(mean, np.array([number], dtype=np.int64))

    def remove(self, person: str) -> None:
        number = self.numbers.pop(person, None)
        if number is not None:
            del self.people[number]
            self.index.remove_ids(faiss.IDSelectorBatch(np.array([number], dtype=np.int64)))


class Gallery:
    """Safe to use from several threads. Templates of different packs are never compared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packs: dict[str, _Pack] = {}
        self._next = 0

    def put(self, person: str, templates: Iterable[Template]) -> None:
        """Replace all that is known of the person's face."""
        by_pack: dict[str, list[np.ndarray]] = {}
        for template in templates:
            by_pack.setdefault(template.pack, []).append(vector_from_text(template.vector))
        with self._lock:
            for pack in self._packs.values():
                pack.remove(person)
            for name, vectors in by_pack.items():
                pack = self._packs.setdefault(name, _Pack(len(vectors[0])))
                fitting = [vector for vector in vectors if len(vector) == pack.size]
                if len(fitting) < len(vectors):
                    log.error("%d templates of person %s do not have the %d values of pack %s: not used",
                              len(vectors) - len(fitting), person, pack.size, name)
                if fitting:
                    pack.put(self._next, person, np.stack(fitting))
                    self._next += 1

    def remove(self, person: str) -> None:
        """Forget the person's face."""
        self.put(person, ())

    def size_of(self, pack: str) -> int | None:
        """Values per template of the pack; None while nobody has one."""
        with self._lock:
            found = self._packs.get(pack)
            return found.size if found and found.people else None

    def nearest(self, vector: np.ndarray, pack: str, k: int) -> list[Near]:
        """The k people whose mean is nearest, nearest first. `vector` has shape (size,).

        ValueError when it does not have the size of the pack's templates.
        """
        with self._lock:
            found = self._packs.get(pack)
            if found is None or not found.people:
                return []
            if vector.shape != (found.size,):
                raise ValueError(f"templates of pack {pack} have shape ({found.size},), not {vector.shape}")
            query = np.ascontiguousarray(vector, dtype="<f4")
            squares, numbers = found.index.search(query[None, :], min(k, len(found.people)))
            return [Near(found.people[number], float(max(square, 0.0)) ** 0.5)
                    for square, number in zip(squares[0], numbers[0].tolist(), strict=True)]
