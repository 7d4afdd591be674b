"""Enrolled people: listed, read, changed, erased. (Enrolling is in register.py.)"""

from typing import Annotated

from fastapi import Query, Response

from appliance.api.auth import Box, new_router
from appliance.api.ports import Store
from contract.errors import NotFound
from contract.ids import Id
from contract.views import ErasureView
from web.guard import Who
from web.pagination import Limit, Page
from web.people import UserChange, UserSummary, UserView, check_friends, find_users, view_of
from web.problems import Problem

router = new_router("people")

@router.get("/users")
def listing(box: Box, search: Annotated[str | None, Query(max_length=200, description="part of a name")] = None,
            cursor: Annotated[Id | None, Query(description="`next` of the page before")] = None,
            limit: Limit = 50) -> Page[UserSummary]:
    """Return enrolled people in order of enrolment."""
    return find_users(box.store.profiles, search or "", cursor or "", limit)


@router.get("/users/{user_id}")
def one(user_id: Id, box: Box, who: Who,
        vectors: Annotated[bool, Query(description="with the vectors; admins only")] = False) -> UserView:
    """Return a person with facial-ID details, friends and contacts."""
    if vectors and who.role != "admin":
        raise Problem(403, "wrong_role", f"role {who.role} may not read vectors; it takes admin")
    return view_of(box.store.profiles.find, box.store.profiles.get(user_id), vectors=vectors)


@router.put("/users/{user_id}")
def change(user_id: Id, body: UserChange, box: Box, who: Who) -> UserView:
    """Change a person. 409 when somebody else changed them since `revision`."""
    profile = box.store.profiles.get(user_id)
    check_friends(box.store.profiles.find, body.friends.add, user_id)
    missing = set(body.templates.remove) - {t.id for t in profile.templates}
    if missing:
        raise Problem(422, "unknown_templates", f"{profile.name} has no template {', '.join(sorted(missing))}")
    changed = box.store.profiles.change(user_id, body.change(), by=who.name, revision=body.revision)
    return view_of(box.store.profiles.find, changed)


@router.delete("/users/{user_id}", status_code=202)
def erase(user_id: Id, box: Box, who: Who, response: Response) -> ErasureView:
    """Erase a person from this box at once and from everywhere else through the cloud. Repeating it is harmless."""
    box.store.profiles.erase(user_id, by=who.name)
    response.headers["Location"] = f"/users/{user_id}/erasure"
    return box.store.profiles.erasure(user_id)


@router.get("/users/{user_id}/erasure")
def erasure(user_id: Id, box: Box) -> ErasureView:
    """Return how far an erasure is."""
    return box.store.profiles.erasure(user_id)


def known_name(store: Store, profile_id: str | None) -> str | None:
    """Return the name of an enrolled person, None when there is none."""
    try:
        return store.profiles.get(profile_id).name if profile_id else None
    except NotFound:
        return None
