"""The faces in memory: one FAISS index per pack over the mean of each person's templates. Never the truth."""

import logging
import threading
from collections.abc import Iterable

import faiss
import numpy as np

from contract.embedding import EmbeddingSpace
from contract.match import Near
from contract.observation import vector_from_text
from contract.profile import Template

log = logging.getLogger(__name__)


class _Index:
    """The people of one pack, compared as its space says."""

    def __init__(self, space: EmbeddingSpace) -> None:
        self.space = space
        flat = {"euclidean": faiss.IndexFlatL2, "cosine": faiss.IndexFlatIP}[space.metric]
        self._index = faiss.IndexIDMap2(flat(space.size))
        self._people: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._next = 0

    def put(self, person: str, vectors: list[np.ndarray]) -> None:
        self.remove(person)
        fitting = [vector for vector in vectors if len(vector) == self.space.size]
        if len(fitting) < len(vectors):
            log.error("%d templates of person %s do not have the %d values of pack %s: not used",
                      len(vectors) - len(fitting), person, self.space.size, self.space.pack)
        if not fitting:
            return
        number, self._next = self._next, self._next + 1
        self._people[number], self._numbers[person] = person, number
        mean = np.ascontiguousarray(self.space.mean(np.stack(fitting))[None])
        self._index.add_with_ids(mean, np.array([number], dtype=np.int64))

    def remove(self, person: str) -> None:
        number = self._numbers.pop(person, None)
        if number is not None:
            del self._people[number]
            self._index.remove_ids(faiss.IDSelectorBatch(np.array([number], dtype=np.int64)))

    def nearest(self, vector: np.ndarray, k: int) -> list[Near]:
        query = np.ascontiguousarray(self.space.prepared(vector)[None])
        if not self._people:
            return []
        found, numbers = self._index.search(query, min(k, len(self._people)))
        return [Near(self._people[number], self._distance(value))
                for value, number in zip(found[0].tolist(), numbers[0].tolist(), strict=True)]

    def _distance(self, value: float) -> float:
        return max(value, 0.0) ** 0.5 if self.space.metric == "euclidean" else 1.0 - value


class Gallery:
    """Safe to use from several threads. Templates of different packs are never compared.

    A pack's templates can be compared once `adopt` has said how.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._templates: dict[str, dict[str, list[np.ndarray]]] = {}
        self._indexes: dict[str, _Index] = {}

    def adopt(self, space: EmbeddingSpace) -> None:
        """Compare templates of the space's pack as it says, from now on."""
        with self._lock:
            known = self._indexes.get(space.pack)
            if known is not None and (known.space.metric, known.space.size) == (space.metric, space.size):
                return
            index = _Index(space)
            for person, vectors in self._templates.get(space.pack, {}).items():
                index.put(person, vectors)
            self._indexes[space.pack] = index

    def put(self, person: str, templates: Iterable[Template]) -> None:
        """Replace all that is known of the person's face."""
        by_pack: dict[str, list[np.ndarray]] = {}
        for template in templates:
            by_pack.setdefault(template.pack, []).append(vector_from_text(template.vector))
        with self._lock:
            for people in self._templates.values():
                people.pop(person, None)
            for index in self._indexes.values():
                index.remove(person)
            for pack, vectors in by_pack.items():
                self._templates.setdefault(pack, {})[person] = vectors
                if pack in self._indexes:
                    self._indexes[pack].put(person, vectors)

    def remove(self, person: str) -> None:
        """Forget the person's face."""
        self.put(person, ())

    def size_of(self, pack: str) -> int | None:
        """Return the values per template of the pack; None until `adopt` has said it."""
        with self._lock:
            found = self._indexes.get(pack)
            return found.space.size if found else None

    def nearest(self, vector: np.ndarray, pack: str, k: int) -> list[Near]:
        """Return the k people whose mean is nearest, nearest first; nobody while it is not known how to compare.

        `vector` has shape (size,); ValueError when it does not have the size of the pack's templates.
        """
        with self._lock:
            found = self._indexes.get(pack)
            return found.nearest(vector, k) if found else []
