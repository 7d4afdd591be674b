"""The embedding space of each pack in use on this box."""

from collections.abc import Callable

from contract.embedding import EmbeddingSpace


class Spaces:
    """The spaces that the vision workers described, with the site's own thresholds where its file has any."""

    def __init__(self, known: float | None, review: float | None, adopt: Callable[[EmbeddingSpace], None]) -> None:
        self._known, self._review = known, review
        self._adopt = adopt
        self._by_pack: dict[str, EmbeddingSpace] = {}

    def take(self, space: EmbeddingSpace) -> None:
        """Use this from now on for the space's pack. Raises Rejected when the site's thresholds do not fit it."""
        limited = space.limited(self._known, self._review)
        self._adopt(limited)
        self._by_pack[space.pack] = limited

    def of(self, pack: str) -> EmbeddingSpace | None:
        """Gives the space of a pack; None while no worker has described it."""
        return self._by_pack.get(pack)
