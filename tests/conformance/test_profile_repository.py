"""What every ProfileRepository has to do, box or cloud, whatever database it stands on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.errors import Conflict, NotFound, Rejected
from contract.ids import new_id
from contract.observation import vector_to_text
from contract.ports import ProfileRepository
from contract.profile import Consent, Contact, Profile, ProfileChange, Template
from tests.support import postgres

AT = "2026-11-23T20:00:00.000Z"
CONSENT = Consent(given_by="Ann", text_sha256="0" * 64, at=AT)


def box_sqlite(home: Path) -> Iterator[ProfileRepository]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from appliance.store.store import open_store
    store = open_store(home / "box", box="box-a", key=Ed25519PrivateKey.generate())
    yield store.profiles
    store.close()


def cloud_at(url: str) -> Iterator[ProfileRepository]:
    from cloud.database.opening import connect
    from cloud.database.people.profiles import ProfileTable
    database = connect(url)
    yield ProfileTable(database)
    database.close()


def cloud_sqlite(home: Path) -> Iterator[ProfileRepository]:
    yield from cloud_at(f"sqlite:///{home / 'cloud.db'}")


def cloud_postgresql(_home: Path) -> Iterator[ProfileRepository]:
    with postgres.new_database() as url:
        yield from cloud_at(url)


ADAPTERS = {"box-sqlite": box_sqlite, "cloud-sqlite": cloud_sqlite, "cloud-postgresql": cloud_postgresql}


@pytest.fixture(params=ADAPTERS, scope="module")
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileRepository]:
    """One per adapter for all tests: each test makes its own people."""
    yield from ADAPTERS[request.param](tmp_path_factory.mktemp("profiles"))


def make_template() -> Template:
    return Template(id=new_id(), pack="open-1", vector=vector_to_text(np.ones(128)), quality=0.5, made_at=AT)


def enrol(repository: ProfileRepository, **fields: object) -> Profile:
    return repository.create(Profile(**{"id": new_id(), "name": "Ann", **fields}), by="test")


def test_what_was_created_can_be_read(repository):
    profile = enrol(repository, consent=CONSENT, templates=(make_template(),), role="staff",
                    contacts=(Contact(channel="sms", address="+4915112345678"),))
    assert repository.get(profile.id) == profile
    assert profile.revision == 1


def test_an_id_is_used_once(repository):
    profile = enrol(repository)
    with pytest.raises(Conflict):
        repository.create(profile.model_copy(update={"name": "Other"}), by="test")
    assert repository.get(profile.id).name == "Ann"


def test_unknown_people_are_not_found(repository):
    for call in (lambda: repository.get(new_id()), lambda: repository.erase(new_id(), by="test"),
                 lambda: repository.change(new_id(), ProfileChange(name="X"), by="test")):
        with pytest.raises(NotFound):
            call()


def test_friends_have_to_exist(repository):
    with pytest.raises(Rejected, match="friend"):
        enrol(repository, friends=(new_id(),))
    profile = enrol(repository)
    with pytest.raises(Rejected, match="friend"):
        repository.change(profile.id, ProfileChange(add_friends=(new_id(),)), by="test")
    assert repository.get(profile.id) == profile


def test_changes_are_sets_and_count(repository):
    one, two = enrol(repository), enrol(repository)
    profile = enrol(repository, friends=(one.id,))
    changed = repository.change(
        profile.id, ProfileChange(add_friends=(two.id,), remove_friends=(one.id,), name="Anna", consent=CONSENT,
                                  add_templates=(template := make_template(),)), by="test", revision=1)
    assert changed == repository.get(profile.id)
    assert (changed.name, changed.friends, changed.templates, changed.revision) == ("Anna", (two.id,), (template,), 2)
    assert repository.change(profile.id, ProfileChange(remove_templates=(template.id,)), by="test").templates == ()


def test_a_stale_revision_is_a_conflict(repository):
    profile = enrol(repository)
    repository.change(profile.id, ProfileChange(name="B"), by="test", revision=1)
    with pytest.raises(Conflict, match="revision"):
        repository.change(profile.id, ProfileChange(name="C"), by="test", revision=1)
    assert repository.get(profile.id).name == "B"


def test_a_result_that_is_not_allowed_is_refused(repository):
    profile = enrol(repository)
    with pytest.raises(Rejected, match="consent"):
        repository.change(profile.id, ProfileChange(add_templates=(make_template(),)), by="test")
    with pytest.raises(Rejected):
        repository.change(profile.id, ProfileChange(add_friends=(profile.id,)), by="test")
    assert repository.get(profile.id) == profile


def test_erasing_removes_the_person_and_every_friendship(repository):
    gone = enrol(repository)
    friend = enrol(repository, friends=(gone.id,))
    repository.erase(gone.id, by="test")
    repository.erase(gone.id, by="test")
    with pytest.raises(NotFound):
        repository.get(gone.id)
    with pytest.raises(NotFound):
        repository.change(gone.id, ProfileChange(name="X"), by="test")
    assert repository.get(friend.id).friends == ()
    assert gone.id not in {profile.id for profile in repository.page("", 200)}


def test_the_erased_cannot_be_created_again_nor_befriended(repository):
    gone, friend = enrol(repository), enrol(repository)
    repository.erase(gone.id, by="test")
    with pytest.raises(Conflict):
        repository.create(gone, by="test")
    with pytest.raises(Rejected):
        repository.change(friend.id, ProfileChange(add_friends=(gone.id,)), by="test")


def test_pages_are_in_order_and_complete(repository):
    made = {enrol(repository, name=f"P{n}").id for n in range(7)}
    seen, after = [], ""
    while page := repository.page(after, 3):
        assert len(page) <= 3
        seen += [profile.id for profile in page]
        after = seen[-1]
    assert seen == sorted(seen) and made <= set(seen)
