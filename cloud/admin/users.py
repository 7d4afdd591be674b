"""Enrolled people: listed, read, changed, erased. (Enrolling is in register.py.)"""

from typing import Annotated

from fastapi import Query, Response

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from contract.ids import Id
from contract.views import ErasureView
from web.guard import Who, new_router
from web.pagination import Limit, Page
from web.people import UserChange, UserSummary, UserView, check_friends, find_users, view_of
from web.problems import Problem

router = new_router(RULES, "people")


@router.get("/users")
def listing(cloud: Cloud, search: Annotated[str | None, Query(max_length=200, description="part of a name")] = None,
            cursor: Annotated[Id | None, Query(description="`next` of the page before")] = None,
            limit: Limit = 50) -> Page[UserSummary]:
    """Return enrolled people in order of enrolment."""
    return find_users(cloud.profiles, search or "", cursor or "", limit)


@router.get("/users/{user_id}")
def one(user_id: Id, cloud: Cloud, who: Who,
        vectors: Annotated[bool, Query(description="with the vectors; admins only")] = False) -> UserView:
    """Return a person with facial-ID details, friends and contacts."""
    if vectors and who.role != "admin":
        raise Problem(403, "wrong_role", f"role {who.role} may not read vectors; it takes admin")
    return view_of(cloud.profiles.find, cloud.profiles.get(user_id), vectors=vectors)


@router.put("/users/{user_id}")
def change(user_id: Id, body: UserChange, cloud: Cloud, who: Who) -> UserView:
    """Change a person on every box. 409 when somebody else changed them since `revision`."""
    profile = cloud.profiles.get(user_id)
    check_friends(cloud.profiles.find, body.friends.add, user_id)
    missing = set(body.templates.remove) - {t.id for t in profile.templates}
    if missing:
        raise Problem(422, "unknown_templates", f"{profile.name} has no template {', '.join(sorted(missing))}")
    changed = cloud.profiles.change(user_id, body.change(), by=who.name, revision=body.revision)
    return view_of(cloud.profiles.find, changed)


@router.delete("/users/{user_id}", status_code=202)
def erase(user_id: Id, cloud: Cloud, who: Who, response: Response) -> ErasureView:
    """Erase a person here at once and from every box as it answers. Repeating it is harmless."""
    cloud.profiles.erase(user_id, by=who.name)
    response.headers["Location"] = f"/users/{user_id}/erasure"
    return cloud.profiles.erasure(user_id)


@router.get("/users/{user_id}/erasure")
def erasure(user_id: Id, cloud: Cloud) -> ErasureView:
    """Return which box has confirmed, and which has not yet."""
    return cloud.profiles.erasure(user_id)
