"""The comparison of embeddings of one model pack, and the meaning of their distances."""

from collections.abc import Callable
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from contract.errors import Rejected
from contract.model import Model

MAX_VALUES = 1536
"""A template's vector on the wire has room for so many."""

Metric = Literal["euclidean", "cosine"]


class Thresholds(Model):
    """Distances of a pack: from the mean of a person's templates up to `known` a name is given, up to `review` somebody
    must look; between two photos up to `verify` they are one person's. Two people whose distances differ by less than
    `margin` are not told apart. Faces narrower than `min_width` px are not compared."""

    known: float = Field(gt=0)
    review: float = Field(gt=0)
    verify: float = Field(gt=0)
    margin: float = Field(ge=0)
    min_width: float = Field(gt=0)

    @model_validator(mode="after")
    def _known_is_nearer(self) -> Self:
        if self.known >= self.review:
            raise ValueError(f"known ({self.known:g}) must be below review ({self.review:g})")
        return self


class EmbeddingSpace(Model):
    """The embeddings of one pack: `size` values each, compared by `metric` (cosine: 1 - cosine similarity)."""

    pack: str = Field(min_length=1, max_length=64)
    size: int = Field(ge=1, le=MAX_VALUES)
    metric: Metric
    thresholds: Thresholds

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Gives vectors (..., size) float32 as they are compared: of length 1 for cosine, else as they are.

        Raises ValueError when they have another size.
        """
        if vectors.shape[-1:] != (self.size,):
            raise ValueError(f"embeddings of pack {self.pack} have {self.size} values, not shape {vectors.shape}")
        vectors = np.asarray(vectors, "<f4")
        if self.metric == "euclidean":
            return vectors
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))

    def mean(self, vectors: np.ndarray) -> np.ndarray:
        """Gives the one vector (size,) that stands for a person's vectors (n, size)."""
        return self.prepared(self.prepared(vectors).mean(axis=0))

    def distances(self, vector: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Gives the distances (n,) of a vector (size,) from others (n, size). Raises ValueError for another size."""
        one, many = self.prepared(vector), self.prepared(others)
        found = np.linalg.norm(many - one, axis=1) if self.metric == "euclidean" else 1.0 - many @ one
        return np.asarray(found)

    def distance(self, vector: np.ndarray, other: np.ndarray) -> float:
        """Gives the distance of two vectors (size,). Raises ValueError for another size."""
        return float(self.distances(vector, other[None])[0])

    def limited(self, known: float | None, review: float | None) -> "EmbeddingSpace":
        """Gives the space with a site's own thresholds; None: the pack's. Raises Rejected when they do not fit."""
        limits = self.thresholds
        nearer, farther = known or limits.known, review or limits.review
        if nearer >= farther:
            raise Rejected(f"matching.known ({nearer:g}) must be below matching.review ({farther:g})",
                           hint=f"the thresholds of pack {self.pack} are {limits.known:g} and {limits.review:g}")
        return self.model_copy(update={"thresholds": limits.model_copy(update={"known": nearer, "review": farther})})


SpaceOf = Callable[[str], EmbeddingSpace | None]
"""The space of a pack; None while no vision worker has described it."""
