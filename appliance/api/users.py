"""Enrolled people: listed, read, changed, erased. (Enrolling is in register.py.)"""

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from appliance.api.auth import Box, Who, new_router
from appliance.api.consent import ConsentIn
from appliance.api.pagination import Limit, Page
from appliance.api.ports import Profiles, Store
from appliance.api.problems import Problem
from contract.errors import NotFound
from contract.ids import Id
from contract.moments import Instant
from contract.profile import Consent, Contact, PersonName, PersonRole, Profile, ProfileChange
from contract.views import ErasureView

router = new_router("people")

_SCAN = 200


class Friend(BaseModel):
    """`name` is null for somebody who is not on this box (yet, or any more)."""

    id: Id
    name: str | None


class TemplateView(BaseModel):
    """`vector` (base64 of float32) is given to admins who ask for it."""

    id: Id
    pack: str
    quality: float
    made_at: Instant
    vector: str | None = None


class FacialId(BaseModel):
    """How the person is recognised."""

    count: int
    packs: list[str]
    templates: list[TemplateView]


class UserSummary(BaseModel):
    id: Id
    name: str
    role: PersonRole
    friends: int
    templates: int
    revision: int


class UserView(BaseModel):
    id: Id
    name: str
    role: PersonRole
    friends: list[Friend]
    contacts: tuple[Contact, ...]
    consent: Consent | None
    facial_id: FacialId
    revision: int


class SetChange(BaseModel):
    """What joins a set and what leaves it."""

    model_config = ConfigDict(extra="forbid")

    add: tuple[Id, ...] = Field(default=(), max_length=200)
    remove: tuple[Id, ...] = Field(default=(), max_length=200)

    @model_validator(mode="after")
    def _not_both(self) -> "SetChange":
        both = set(self.add) & set(self.remove)
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is both added and removed")
        return self


class Removal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    remove: tuple[Id, ...] = Field(default=(), max_length=50)


class UserChange(BaseModel):
    """Fields given are set, friends and templates change as sets. `revision` is the one you have read; it may be left
    out when only sets change, because two such changes do not undo each other."""

    model_config = ConfigDict(extra="forbid")

    revision: int | None = Field(default=None, ge=1, le=2**53 - 1)
    name: PersonName | None = None
    role: PersonRole | None = None
    contacts: tuple[Contact, ...] | None = Field(default=None, max_length=20)
    consent: ConsentIn | None = None
    friends: SetChange = SetChange()
    templates: Removal = Removal()

    @model_validator(mode="after")
    def _revision_is_known(self) -> "UserChange":
        set_fields = [name for name in ("name", "role", "contacts", "consent") if getattr(self, name) is not None]
        if set_fields and self.revision is None:
            raise ValueError(f"to set {', '.join(set_fields)}, send the `revision` you have read")
        return self

    def change(self) -> ProfileChange:
        """What the store takes."""
        return ProfileChange(name=self.name, role=self.role, contacts=self.contacts,
                             consent=self.consent.record() if self.consent else None,
                             add_friends=self.friends.add, remove_friends=self.friends.remove,
                             remove_templates=self.templates.remove)


@router.get("/users")
def listing(box: Box, search: Annotated[str | None, Query(max_length=200, description="part of a name")] = None,
            cursor: Annotated[Id | None, Query(description="`next` of the page before")] = None,
            limit: Limit = 50) -> Page[UserSummary]:
    """Enrolled people in order of enrolment."""
    return find_users(box.store.profiles, search or "", cursor or "", limit)


@router.get("/users/{user_id}")
def one(user_id: Id, box: Box, who: Who,
        vectors: Annotated[bool, Query(description="with the vectors; admins only")] = False) -> UserView:
    """A person with facial-ID details, friends and contacts."""
    if vectors and who.role != "admin":
        raise Problem(403, "wrong_role", f"role {who.role} may not read vectors; it takes admin")
    return view_of(box.store, box.store.profiles.get(user_id), vectors=vectors)


@router.put("/users/{user_id}")
def change(user_id: Id, body: UserChange, box: Box, who: Who) -> UserView:
    """Change a person. 409 when somebody else changed them since `revision`."""
    profile = box.store.profiles.get(user_id)
    check_friends(box.store.profiles, body.friends.add, user_id)
    missing = set(body.templates.remove) - {t.id for t in profile.templates}
    if missing:
        raise Problem(422, "unknown_templates", f"{profile.name} has no template {', '.join(sorted(missing))}")
    changed = box.store.profiles.change(user_id, body.change(), by=who.name, revision=body.revision)
    return view_of(box.store, changed)


@router.delete("/users/{user_id}", status_code=202)
def erase(user_id: Id, box: Box, who: Who, response: Response) -> ErasureView:
    """Erase a person from this box at once and from everywhere else through the cloud. Repeating it is harmless."""
    box.store.profiles.erase(user_id, by=who.name)
    response.headers["Location"] = f"/users/{user_id}/erasure"
    return box.store.profiles.erasure(user_id)


@router.get("/users/{user_id}/erasure")
def erasure(user_id: Id, box: Box) -> ErasureView:
    """How far an erasure is."""
    return box.store.profiles.erasure(user_id)


def find_users(profiles: Profiles, search: str, after: str, limit: int) -> Page[UserSummary]:
    """A page of the people whose name contains `search`, whatever the case."""
    wanted, found = search.strip().casefold(), []
    while True:
        batch = profiles.page(after, limit + 1 if not wanted else _SCAN)
        for profile in batch:
            if wanted in profile.name.casefold():
                if len(found) == limit:
                    return Page(items=found, next=found[-1].id)
                found.append(_summary(profile))
        if len(batch) < (limit + 1 if not wanted else _SCAN):
            return Page(items=found)
        after = batch[-1].id


def view_of(store: Store, profile: Profile, *, vectors: bool = False) -> UserView:
    """The profile as it is shown, friends with names."""
    found = {i: store.profiles.find(i) for i in profile.friends}
    templates = [TemplateView(id=t.id, pack=t.pack, quality=t.quality, made_at=t.made_at,
                              vector=t.vector if vectors else None) for t in profile.templates]
    return UserView(id=profile.id, name=profile.name, role=profile.role, contacts=profile.contacts,
                    consent=profile.consent, revision=profile.revision,
                    friends=[Friend(id=i, name=p.name if p else None) for i, p in found.items()],
                    facial_id=FacialId(count=len(templates), packs=sorted({t.pack for t in templates}),
                                       templates=templates))


def check_friends(profiles: Profiles, ids: tuple[str, ...], owner: str | None = None) -> None:
    """Raise Problem 422 naming every id that is nobody's, or the person's own."""
    if owner in ids:
        raise Problem(422, "own_friend", "nobody is their own friend: remove the person's own id from friends")
    unknown = [i for i in dict.fromkeys(ids) if profiles.find(i) is None]
    if unknown:
        raise Problem(422, "unknown_friends", f"no such person: {', '.join(unknown)}",
                      hint="GET /users lists the people of this box", unknown=unknown)


def known_name(store: Store, profile_id: str | None) -> str | None:
    """The name of an enrolled person, None when there is none."""
    try:
        return store.profiles.get(profile_id).name if profile_id else None
    except NotFound:
        return None


def _summary(profile: Profile) -> UserSummary:
    return UserSummary(id=profile.id, name=profile.name, role=profile.role, friends=len(profile.friends),
                       templates=len(profile.templates), revision=profile.revision)
