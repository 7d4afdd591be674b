"""POST /users/register and /users/{id}/photos: photos become templates, or are refused one by one with the reason."""

from typing import Any

from fastapi import Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from appliance.api.auth import Box, new_router
from appliance.api.services import Services
from appliance.api.stills import faces_of
from appliance.api.users import known_name
from contract.errors import Conflict
from contract.ids import Id, derived_id, new_id
from contract.moments import now
from contract.profile import Profile, ProfileChange
from web.enrol_form import NewUser, PhotoOptions, body_schema, checked, read_sent
from web.enrolment import Good, Judgement, Photo, judge, main_face, space_for, template_of
from web.guard import Who
from web.pagination import IdempotencyKey, scoped_key
from web.people import UserView, check_friends, view_of
from web.problems import Problem
from web.uploads import Upload, readers

router = new_router("people")


class Enrolled(UserView):
    """The person, what was refused all the same (`accept_partial`), and what could be better."""

    refused: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


@router.post("/users/register", status_code=201, openapi_extra=body_schema(NewUser))
async def register(request: Request, box: Box, who: Who, response: Response, key: IdempotencyKey = None) -> Enrolled:
    """Enrol a person: a multipart form with name, contacts, friends and consent (JSON texts) and 1 to 10 files
    `photos`; or JSON with `photos` as base64. Any refused photo refuses the whole, unless `accept_partial`."""
    async with readers(request.app.state):
        sent = await read_sent(request)
        user = checked(NewUser, sent.fields)
        profile_id = new_id() if key is None else derived_id("register", box.box, scoped_key(who, key) or "")
        earlier = await run_in_threadpool(box.store.profiles.find, profile_id)
        if earlier is None:
            await run_in_threadpool(check_friends, box.store.profiles.find, user.friends)
            photos = await _look(box, sent.photos)
    if earlier is not None:
        return await _again(box, earlier, user, response)
    verdict = judge(photos, box.photo_limits, allow_lookalike=user.allow_lookalike)
    await _insist(box, verdict, user.accept_partial)
    profile = Profile(id=profile_id, name=user.name, role=user.role, friends=user.friends, contacts=user.contacts,
                      consent=user.consent.record(), templates=_templates(verdict.good))
    created = await run_in_threadpool(box.store.profiles.create, profile, who.name)
    response.headers["Location"] = f"/users/{created.id}"
    return await _enrolled(box, created, verdict)


@router.post("/users/{user_id}/photos", status_code=201, openapi_extra=body_schema(PhotoOptions))
async def add_photos(request: Request, user_id: Id, box: Box, who: Who, response: Response) -> Enrolled:
    """Add photos of an enrolled person; they must show the same face as the templates there are."""
    async with readers(request.app.state):
        sent = await read_sent(request)
        options = checked(PhotoOptions, sent.fields)
        profile = await run_in_threadpool(box.store.profiles.get, user_id)
        photos = await _look(box, sent.photos)
    verdict = judge(photos, box.photo_limits, existing=profile.templates, owner=user_id,
                    allow_lookalike=options.allow_lookalike)
    await _insist(box, verdict, options.accept_partial)
    change = ProfileChange(add_templates=_templates(verdict.good))
    changed = await run_in_threadpool(box.store.profiles.change, user_id, change, who.name)
    response.headers["Location"] = f"/users/{user_id}"
    return await _enrolled(box, changed, verdict)


async def _again(box: Services, earlier: Profile, user: NewUser, response: Response) -> Enrolled:
    """Return the answer to a repeated request. Raises Conflict when the key came with somebody else."""
    if (earlier.name, earlier.role, earlier.contacts) != (user.name, user.role, user.contacts):
        raise Conflict("this Idempotency-Key came with another person before", hint="use a new key for a new person")
    response.headers.update({"Location": f"/users/{earlier.id}", "Idempotency-Replayed": "true"})
    return await _enrolled(box, earlier, Judgement((), ()))


async def _look(box: Services, uploads: list[Upload]) -> list[Photo]:
    """Return what vision and the gallery say of each photo. Raises Unavailable while vision is down."""
    photos = []
    for index, upload in enumerate(uploads):
        photo = Photo(index, upload.filename)
        try:
            still = await faces_of(box.vision, upload.data, "enrol")
        except Problem as error:
            photos.append(photo._replace(problem=error.detail))
            continue
        photo = photo._replace(faces=still.faces)
        if still.faces and main_face(still.faces).embedding is not None:
            face = main_face(still.faces)
            match = await run_in_threadpool(box.matcher.identify, face)
            photo = photo._replace(match=match, space=space_for(face, box.space_of))
        photos.append(photo)
    return photos


async def _insist(box: Services, verdict: Judgement, accept_partial: bool) -> None:
    """Raise Problem 422 with each refused photo when there is one, or nothing good is left."""
    if verdict.good and (accept_partial or not verdict.refused):
        return
    refused = await _named(box, verdict)
    one = refused[0]
    what = f"{len(refused)} of {len(refused) + len(verdict.good)} photos cannot be used"
    raise Problem(422, "photos_refused", f"{what}: photo {one['index'] + 1}: {one['reason']}",
                  hint="send better photos, or accept_partial=true to enrol with the good ones" if verdict.good
                  else "send better photos", refused=refused)


async def _named(box: Services, verdict: Judgement) -> list[dict[str, Any]]:
    out = []
    for refusal in verdict.refused:
        name = await run_in_threadpool(known_name, box.store, refusal.looks_like)
        row = refusal.model_dump(exclude_none=True)
        out.append({**row, "looks_like": {"id": refusal.looks_like, "name": name}} if name else row)
    return out


async def _enrolled(box: Services, profile: Profile, verdict: Judgement) -> Enrolled:
    view = await run_in_threadpool(view_of, box.store.profiles.find, profile)
    return Enrolled(**view.model_dump(), refused=await _named(box, verdict),
                    warnings=[w for good in verdict.good for w in good.warnings])


def _templates(good: tuple[Good, ...]) -> tuple[Any, ...]:
    made_at = now()
    return tuple(template_of(g.face, made_at) for g in good)
