"""People as the interfaces show and take them: the same on the box and in the cloud."""

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.ids import Id
from contract.moments import Instant
from contract.ports import ProfileRepository
from contract.profile import Consent, Contact, PersonName, PersonRole, Profile, ProfileChange
from web.consent import ConsentIn
from web.pagination import Page
from web.problems import Problem

_SCAN = 200
Find = Callable[[str], Profile | None]


class Friend(BaseModel):
    """`name` is null for somebody who is not here (yet, or any more)."""

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
    """The templates by which a person is recognised."""

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
    """A change of a set: the members that join and those that leave."""

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
        """Return what the repository takes."""
        return ProfileChange(name=self.name, role=self.role, contacts=self.contacts,
                             consent=self.consent.record() if self.consent else None,
                             add_friends=self.friends.add, remove_friends=self.friends.remove,
                             remove_templates=self.templates.remove)


def find_users(profiles: ProfileRepository, search: str, after: str, limit: int) -> Page[UserSummary]:
    """Return a page of the people whose name contains `search`, whatever the case."""
    wanted = search.strip().casefold()
    found: list[UserSummary] = []
    size = _SCAN if wanted else limit + 1
    while True:
        batch = profiles.page(after, size)
        for profile in batch:
            if wanted in profile.name.casefold():
                if len(found) == limit:
                    return Page(items=found, next=found[-1].id)
                found.append(UserSummary(id=profile.id, name=profile.name, role=profile.role,
                                         friends=len(profile.friends), templates=len(profile.templates),
                                         revision=profile.revision))
        if len(batch) < size:
            return Page(items=found)
        after = batch[-1].id


def view_of(find: Find, profile: Profile, *, vectors: bool = False) -> UserView:
    """Return the profile as it is shown, friends with names."""
    friends = {friend: find(friend) for friend in profile.friends}
    templates = [TemplateView(id=t.id, pack=t.pack, quality=t.quality, made_at=t.made_at,
                              vector=t.vector if vectors else None) for t in profile.templates]
    return UserView(id=profile.id, name=profile.name, role=profile.role, contacts=profile.contacts,
                    consent=profile.consent, revision=profile.revision,
                    friends=[Friend(id=i, name=p.name if p else None) for i, p in friends.items()],
                    facial_id=FacialId(count=len(templates), packs=sorted({t.pack for t in templates}),
                                       templates=templates))


def check_friends(find: Find, ids: tuple[str, ...], owner: str | None = None) -> None:
    """Raise Problem 422 naming every id that is nobody's, or the person's own."""
    if owner in ids:
        raise Problem(422, "own_friend", "nobody is their own friend: remove the person's own id from friends")
    unknown = [i for i in dict.fromkeys(ids) if find(i) is None]
    if unknown:
        raise Problem(422, "unknown_friends", f"no such person: {', '.join(unknown)}",
                      hint="GET /users lists the people there are", unknown=unknown)
