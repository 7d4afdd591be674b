"""The interface over a real store, with stand-ins for native vision and the cloud's link."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient

from appliance.api.app import build_app
from appliance.api.services import Services
from appliance.pipeline.matching import GalleryMatcher
from appliance.store.store import Store, open_store
from contract.identity import Role
from tests.support.fakes import SPACE, FakeLink, FakeVision, face, space_of

CONSENT = {"given_by": "Ada's mother", "basis": "consent"}
TIME = "2026-11-23T20:00:00+01:00"


class House(NamedTuple):
    """One box for a test. `as_` gives a client per role; `as_("anonymous")` one without a token."""

    app: FastAPI
    store: Store
    vision: FakeVision
    link: FakeLink
    tokens: dict[str, str]

    def as_(self, role: str) -> TestClient:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role != "anonymous" else {}
        return TestClient(self.app, headers=headers, raise_server_exceptions=False, follow_redirects=False)

    def enrol(self, name: str = "Ada", **fields: Any) -> dict[str, Any]:
        """Enrol `name` over REST with one good photo; the answer's body."""
        sent = form(name=name, **fields)
        image = self.vision.add(face(name))
        answer = self.as_("admin").post("/users/register", data=sent, files=[("photos", ("one.jpg", image))])
        assert answer.status_code == 201, answer.text
        return answer.json()

    def incident(self, **fields: Any) -> dict[str, Any]:
        """Report an incident over REST; the answer's body."""
        body = {"time": TIME, "location": "Main gate", "kind": "fall", **fields}
        answer = self.as_("guard").post("/incidents", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


def form(**fields: Any) -> dict[str, Any]:
    """Form fields of an enrolment: texts as they are, everything else as JSON."""
    whole = {"name": "Ada", "consent": CONSENT, **fields}
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in whole.items()}


def matcher_of(store: Store) -> GalleryMatcher:
    """The real matcher over the store's gallery, with thresholds that fit the fake embeddings."""
    store.gallery.adopt(SPACE)
    return GalleryMatcher(store.gallery.nearest, space_of)


@contextlib.contextmanager
def open_house(home: Path) -> Iterator[House]:
    """A box in the folder `home`."""
    store = open_store(home, box="box-1", key=Ed25519PrivateKey.generate())
    vision, link = FakeVision(), FakeLink()
    services = Services(store=store, vision=vision, cameras=vision, matcher=matcher_of(store), link=link,
                        box="box-1", version="0.1.0", space_of=space_of)
    tokens = {role: store.accounts.new_token(f"{role} token", role) for role in get_args(Role)}
    yield House(build_app(services), store, vision, link, tokens)
    store.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One box for many tests that leave nothing behind."""
    with open_house(tmp_path_factory.mktemp("box")) as opened:
        yield opened
