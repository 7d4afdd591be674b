"""POST /users/register and /users/{id}/photos: photos become templates, or are refused one by one with the reason."""

import re
from typing import Any

import numpy as np
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud, Services
from contract.embedding import EmbeddingSpace
from contract.errors import Conflict, Rejected
from contract.ids import Id, derived_id, new_id
from contract.match import Match
from contract.moments import now
from contract.observation import Face, vector_from_text
from contract.profile import Contact, PersonName, PersonRole, Profile, ProfileChange, Template
from web.consent import ConsentIn
from web.enrol_form import NewUser, PhotoOptions, body_schema, checked, read_sent
from web.enrolment import Good, Judgement, Photo, judge, main_face, space_for, template_of
from web.guard import Who, new_router
from web.pagination import IdempotencyKey, scoped_key
from web.people import UserView, check_friends, view_of
from web.problems import Problem
from web.uploads import Upload, readers

router = new_router(RULES, "people")

_CODE = re.compile(r"^[a-z][a-z_]{2,40}$")


class Measured(BaseModel):
    """A person whose photos a box has measured already, or who is to be told but not recognised (no templates)."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    role: PersonRole = "student"
    contacts: tuple[Contact, ...] = Field(default=(), max_length=20)
    friends: tuple[Id, ...] = Field(default=(), max_length=200)
    consent: ConsentIn | None = None
    templates: tuple[Template, ...] = Field(max_length=50)

    @model_validator(mode="after")
    def _templates_need_consent(self) -> "Measured":
        if self.templates and self.consent is None:
            raise ValueError("templates need a consent record")
        return self


class Enrolled(UserView):
    """The person, what was refused all the same (`accept_partial`), and what could be better."""

    refused: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


@router.post("/users/register", status_code=201, openapi_extra=body_schema(NewUser))
async def register(request: Request, cloud: Cloud, who: Who, response: Response,
                   key: IdempotencyKey = None) -> Enrolled:
    """Enrol a person on every box: a multipart form with name, contacts, friends and consent (JSON texts) and 1 to 10
    files `photos`; or JSON with `photos` as base64. Any refused photo refuses the whole, unless `accept_partial`.
    JSON with `templates` in place of photos takes what a box has measured; an empty list enrols somebody who is only to
    be told."""
    profile_id = new_id() if key is None else derived_id("register", scoped_key(who, key) or "")
    async with readers(request.app.state):
        sent = await read_sent(request, fewest=0)
        if "templates" in sent.fields and not sent.photos:
            return await _measured(cloud, checked(Measured, sent.fields), profile_id, who.name, response)
        if not sent.photos:
            raise Problem(422, "invalid", "photos: between 1 and 10 are needed, not 0")
        user = checked(NewUser, sent.fields)
        earlier = await run_in_threadpool(cloud.profiles.find, profile_id)
        if earlier is not None:
            return await _again(cloud, earlier, user, response)
        await run_in_threadpool(check_friends, cloud.profiles.find, user.friends)
        photos = await _look(cloud, sent.photos, None)
    verdict = judge(photos, cloud.photo_limits, allow_lookalike=user.allow_lookalike)
    await _insist(cloud, verdict, user.accept_partial)
    profile = Profile(id=profile_id, name=user.name, role=user.role, friends=user.friends, contacts=user.contacts,
                      consent=user.consent.record(), templates=_templates(verdict.good))
    created = await run_in_threadpool(cloud.profiles.create, profile, who.name)
    response.headers["Location"] = f"/users/{created.id}"
    return await _enrolled(cloud, created, verdict)


@router.post("/users/{user_id}/photos", status_code=201, openapi_extra=body_schema(PhotoOptions))
async def add_photos(request: Request, user_id: Id, cloud: Cloud, who: Who, response: Response) -> Enrolled:
    """Add photos of an enrolled person; they must show the same face as the templates there are."""
    async with readers(request.app.state):
        sent = await read_sent(request)
        options = checked(PhotoOptions, sent.fields)
        profile = await run_in_threadpool(cloud.profiles.get, user_id)
        photos = await _look(cloud, sent.photos, user_id)
    verdict = judge(photos, cloud.photo_limits, existing=profile.templates, owner=user_id,
                    allow_lookalike=options.allow_lookalike)
    await _insist(cloud, verdict, options.accept_partial)
    change = ProfileChange(add_templates=_templates(verdict.good))
    changed = await run_in_threadpool(cloud.profiles.change, user_id, change, who.name)
    response.headers["Location"] = f"/users/{user_id}"
    return await _enrolled(cloud, changed, verdict)


def looks_like(cloud: Services, face: Face, space: EmbeddingSpace) -> Match:
    """Return the enrolled person whose template of the same pack is nearest, by the pack's thresholds for two photos.
    """
    vector = vector_from_text(face.embedding or "")
    nearest: tuple[float, str | None] = (float("inf"), None)
    after = ""
    while batch := cloud.profiles.page(after, 200):
        after = batch[-1].id
        for profile in batch:
            others = [vector_from_text(template.vector) for template in profile.templates if template.pack == face.pack]
            fitting = [other for other in others if other.shape == vector.shape]
            if fitting:
                nearest = min(nearest, (float(space.distances(vector, np.stack(fitting)).min()), profile.id))
    distance, person = nearest
    if person is not None and distance <= space.thresholds.verify:
        return Match("known", person, 1.0, distance, "within the distance of one person's photos")
    if person is not None and distance <= space.thresholds.review:
        return Match("review", person, 0.0, distance, "similar to somebody who is enrolled")
    return Match("unknown", None, 0.0, None, "nobody enrolled is near")


async def _measured(cloud: Services, user: Measured, profile_id: str, by: str, response: Response) -> Enrolled:
    await run_in_threadpool(check_friends, cloud.profiles.find, user.friends)
    profile = Profile(id=profile_id, name=user.name, role=user.role, friends=user.friends, contacts=user.contacts,
                      consent=user.consent.record() if user.consent else None, templates=user.templates)
    earlier = await run_in_threadpool(cloud.profiles.find, profile_id)
    if earlier is not None:
        return await _again(cloud, earlier, user, response)
    created = await run_in_threadpool(cloud.profiles.create, profile, by)
    response.headers["Location"] = f"/users/{created.id}"
    return await _enrolled(cloud, created, Judgement((), ()))


async def _again(cloud: Services, earlier: Profile, user: NewUser | Measured, response: Response) -> Enrolled:
    """Return the answer to a repeated request. Raises Conflict when the key came with somebody else."""
    if (earlier.name, earlier.role, earlier.contacts) != (user.name, user.role, user.contacts):
        raise Conflict("this Idempotency-Key came with another person before", hint="use a new key for a new person")
    response.headers.update({"Location": f"/users/{earlier.id}", "Idempotency-Replayed": "true"})
    return await _enrolled(cloud, earlier, Judgement((), ()))


async def _look(cloud: Services, uploads: list[Upload], owner: str | None) -> list[Photo]:
    """Return what vision and the gallery say of each photo. Raises Unavailable while vision is down."""
    photos = []
    for index, upload in enumerate(uploads):
        photo = Photo(index, upload.filename)
        try:
            faces = tuple(await run_in_threadpool(cloud.read_faces, upload.data))
        except Rejected as error:
            # A code as hint is for programs; the sentence is for the person.
            said = error.detail if _CODE.match(error.hint) or not error.hint else str(error)
            photos.append(photo._replace(problem=said))
            continue
        photo = photo._replace(faces=faces)
        if faces and main_face(faces).embedding is not None:
            face = main_face(faces)
            space = space_for(face, cloud.space_of)
            photo = photo._replace(match=await run_in_threadpool(looks_like, cloud, face, space), space=space)
        photos.append(photo)
    return photos


async def _insist(cloud: Services, verdict: Judgement, accept_partial: bool) -> None:
    """Raise Problem 422 with each refused photo when there is one, or nothing good is left."""
    if verdict.good and (accept_partial or not verdict.refused):
        return
    refused = await _named(cloud, verdict)
    one = refused[0]
    what = f"{len(refused)} of {len(refused) + len(verdict.good)} photos cannot be used"
    raise Problem(422, "photos_refused", f"{what}: photo {one['index'] + 1}: {one['reason']}",
                  hint="send better photos, or accept_partial=true to enrol with the good ones" if verdict.good
                  else "send better photos", refused=refused)


async def _named(cloud: Services, verdict: Judgement) -> list[dict[str, Any]]:
    out = []
    for refusal in verdict.refused:
        row = refusal.model_dump(exclude_none=True)
        person = await run_in_threadpool(cloud.profiles.find, refusal.looks_like) if refusal.looks_like else None
        out.append({**row, "looks_like": {"id": person.id, "name": person.name}} if person else row)
    return out


async def _enrolled(cloud: Services, profile: Profile, verdict: Judgement) -> Enrolled:
    view = await run_in_threadpool(view_of, cloud.profiles.find, profile)
    return Enrolled(**view.model_dump(), refused=await _named(cloud, verdict),
                    warnings=[w for good in verdict.good for w in good.warnings])


def _templates(good: tuple[Good, ...]) -> tuple[Template, ...]:
    made_at = now()
    return tuple(template_of(g.face, made_at) for g in good)
