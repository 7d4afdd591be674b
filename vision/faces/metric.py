"""Embeddings as they are published, by the manifest's metrics. Pure numpy."""

import numpy as np


def published(vector: np.ndarray, metric: str) -> np.ndarray:
    """Gives the embedding (n,) float32 as templates keep it: of length 1 for "cosine", unchanged for "euclidean".

    A vector of length 0 has no direction and becomes NaN.
    """
    if metric == "cosine":
        length = float(np.linalg.norm(vector))
        return vector / length if length > 0 else np.full_like(vector, np.nan)
    return vector
