"""A store in a temporary home, with a clock that a test turns."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.store.limits import Limits
from appliance.store.store import Store, open_store
from contract.embedding import EmbeddingSpace, Thresholds
from contract.ids import new_id
from contract.observation import vector_to_text
from contract.profile import Consent, Profile, Template

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
AT = "2026-11-23T20:00:00.000Z"
SPACE = EmbeddingSpace(pack="open-1", size=128, metric="euclidean", thresholds=Thresholds(
    known=0.5, review=0.6, verify=0.55, margin=0.02, min_width=32))
SMALL = Limits(reserve_bytes=0, ballast_bytes=0)


class Clock:
    """Unix seconds; stands still until moved."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reopen(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Store]]:
    """Open the store of this test (again); the one before is closed."""
    opened: list[Store] = []

    def open_it(**other: Any) -> Store:
        for store in opened:
            store.close()
        opened.append(open_store(tmp_path / "home", **{"box": "box-a", "key": KEY, "limits": SMALL, "clock": clock,
                                                       **other}))
        opened[-1].gallery.adopt(SPACE)
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Callable[..., Store]) -> Store:
    return reopen()


def make_template(vector: np.ndarray, pack: str = "open-1") -> Template:
    return Template(id=new_id(), pack=pack, vector=vector_to_text(vector), quality=0.8, made_at=AT)


def make_person(name: str, *vectors: np.ndarray, **other: Any) -> Profile:
    consent = Consent(given_by=name, text_sha256="0" * 64, at=AT) if vectors else None
    return Profile(id=new_id(), name=name, consent=consent, templates=tuple(make_template(v) for v in vectors), **other)


@pytest.fixture
def space() -> EmbeddingSpace:
    """How embeddings of the pack of these tests are compared."""
    return SPACE


@pytest.fixture
def person() -> Callable[..., Profile]:
    return make_person


@pytest.fixture
def template() -> Callable[..., Template]:
    return make_template
