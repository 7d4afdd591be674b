"""POST /users/register and /users/{id}/photos: photos become templates, or are refused one by one with the reason."""

import base64
import binascii
import json
from typing import Any, NamedTuple

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from appliance.api.auth import Box, Who, new_router
from appliance.api.consent import ConsentIn
from appliance.api.enrolment import Good, Photo, Verdict, judge, main_face, template_of
from appliance.api.pagination import IdempotencyKey, scoped_key
from appliance.api.problems import Problem, field_errors
from appliance.api.services import Services
from appliance.api.stills import faces_of
from appliance.api.uploads import MAX_PHOTOS, Form, Upload, check_size, read_form, read_raw, readers
from appliance.api.users import UserView, check_friends, known_name, view_of
from contract.errors import Conflict
from contract.ids import Id, derived_id, new_id
from contract.moments import now
from contract.observation import vector_from_text
from contract.profile import Contact, PersonName, PersonRole, Profile, ProfileChange

router = new_router("people")

PHOTO_FIELDS = ("photos", "photo", "image", "images")


class NewUser(BaseModel):
    """What is said about a person; the photos come beside it. `accept_partial`: enrol with the good photos and report
    the refused ones. `allow_lookalike`: this is not whom the face resembles (twins)."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    role: PersonRole = "student"
    contacts: tuple[Contact, ...] = Field(default=(), max_length=20)
    friends: tuple[Id, ...] = Field(default=(), max_length=200)
    consent: ConsentIn
    accept_partial: bool = False
    allow_lookalike: bool = False


class PhotoOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    accept_partial: bool = False
    allow_lookalike: bool = False


class Enrolled(UserView):
    """The person, what was refused all the same (`accept_partial`), and what could be better."""

    refused: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class _Sent(NamedTuple):
    fields: dict[str, Any]
    photos: list[Upload]


def _body(model: type[BaseModel]) -> dict[str, Any]:
    text = {"type": "string", "description": "JSON text"}
    fields = {name: {"type": "string"} if name in ("name", "role") else text for name in model.model_fields}
    files = {"type": "array", "minItems": 1, "maxItems": MAX_PHOTOS, "items": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {
        "type": "object", "properties": {**fields, "photos": files},
        "required": ["photos", *(n for n, f in model.model_fields.items() if f.is_required())]}}}}}


@router.post("/users/register", status_code=201, openapi_extra=_body(NewUser))
async def register(request: Request, box: Box, who: Who, response: Response, key: IdempotencyKey = None) -> Enrolled:
    """Enrol a person: a multipart form with name, contacts, friends and consent (JSON texts) and 1 to 10 files
    `photos`; or JSON with `photos` as base64. Any refused photo refuses the whole, unless `accept_partial`."""
    async with readers(request.app.state):
        sent = await _read(request)
        user = _checked(NewUser, sent.fields)
        profile_id = new_id() if key is None else derived_id("register", box.box, scoped_key(who, key) or "")
        earlier = await run_in_threadpool(box.store.profiles.find, profile_id)
        if earlier is None:
            await run_in_threadpool(check_friends, box.store.profiles, user.friends)
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


@router.post("/users/{user_id}/photos", status_code=201, openapi_extra=_body(PhotoOptions))
async def add_photos(request: Request, user_id: Id, box: Box, who: Who, response: Response) -> Enrolled:
    """More photos of an enrolled person; they must show the same face as the templates there are."""
    async with readers(request.app.state):
        sent = await _read(request)
        options = _checked(PhotoOptions, sent.fields)
        profile = await run_in_threadpool(box.store.profiles.get, user_id)
        photos = await _look(box, sent.photos)
    packs = {main_face(p.faces).pack for p in photos if p.faces}
    # A template of another pack says nothing about these photos.
    existing = tuple(vector_from_text(t.vector) for t in profile.templates if t.pack in packs)
    verdict = judge(photos, box.photo_limits, existing=existing, owner=user_id,
                    allow_lookalike=options.allow_lookalike)
    await _insist(box, verdict, options.accept_partial)
    change = ProfileChange(add_templates=_templates(verdict.good))
    changed = await run_in_threadpool(box.store.profiles.change, user_id, change, who.name)
    response.headers["Location"] = f"/users/{user_id}"
    return await _enrolled(box, changed, verdict)


async def _again(box: Services, earlier: Profile, user: NewUser, response: Response) -> Enrolled:
    """The answer to a repeated request. Raises Conflict when the key came with somebody else."""
    if (earlier.name, earlier.role, earlier.contacts) != (user.name, user.role, user.contacts):
        raise Conflict("this Idempotency-Key came with another person before", hint="use a new key for a new person")
    response.headers.update({"Location": f"/users/{earlier.id}", "Idempotency-Replayed": "true"})
    return await _enrolled(box, earlier, Verdict((), ()))


async def _look(box: Services, uploads: list[Upload]) -> list[Photo]:
    """What vision and the gallery say of each photo. Raises Unavailable while vision is down."""
    photos = []
    for index, upload in enumerate(uploads):
        photo = Photo(index, upload.filename)
        try:
            still = await faces_of(box.vision, upload.data, "enrol")
        except Problem as error:
            photos.append(photo._replace(problem=error.detail))
            continue
        measured = bool(still.faces) and main_face(still.faces).embedding is not None
        match = await run_in_threadpool(box.matcher.identify, main_face(still.faces)) if measured else None
        photos.append(photo._replace(faces=still.faces, match=match))
    return photos


async def _insist(box: Services, verdict: Verdict, accept_partial: bool) -> None:
    """Raise Problem 422 with each refused photo when there is one, or nothing good is left."""
    if verdict.good and (accept_partial or not verdict.refused):
        return
    refused = await _named(box, verdict)
    one = refused[0]
    what = f"{len(refused)} of {len(refused) + len(verdict.good)} photos cannot be used"
    raise Problem(422, "photos_refused", f"{what}: photo {one['index'] + 1}: {one['reason']}",
                  hint="send better photos, or accept_partial=true to enrol with the good ones" if verdict.good
                  else "send better photos", refused=refused)


async def _named(box: Services, verdict: Verdict) -> list[dict[str, Any]]:
    out = []
    for refusal in verdict.refused:
        name = await run_in_threadpool(known_name, box.store, refusal.looks_like)
        row = refusal.model_dump(exclude_none=True)
        out.append({**row, "looks_like": {"id": refusal.looks_like, "name": name}} if name else row)
    return out


async def _enrolled(box: Services, profile: Profile, verdict: Verdict) -> Enrolled:
    view = await run_in_threadpool(view_of, box.store, profile)
    return Enrolled(**view.model_dump(), refused=await _named(box, verdict),
                    warnings=[w for good in verdict.good for w in good.warnings])


def _templates(good: tuple[Good, ...]) -> tuple[Any, ...]:
    made_at = now()
    return tuple(template_of(g.face, made_at) for g in good)


def _checked(model: type[Any], fields: dict[str, Any]) -> Any:
    try:
        return model(**fields)
    except ValidationError as error:
        errors = field_errors(error.errors())
        detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5])
        raise Problem(422, "invalid", detail, errors=errors) from error


async def _read(request: Request) -> _Sent:
    """Fields and photos of a form or of JSON. Raises Problem for anything else, and for no photo or too many."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "multipart/form-data":
        form = await read_form(request, file_fields=PHOTO_FIELDS, max_files=MAX_PHOTOS)
        sent = _Sent(_form_fields(form), [u for name in PHOTO_FIELDS for u in form.files.get(name, [])])
    elif media == "application/json":
        sent = _from_json(await read_raw(request))
    else:
        raise Problem(415, "unsupported_media_type", f"{media or 'a body without a type'} cannot be read here",
                      hint="send multipart/form-data with files in the field photos, or JSON with photos as base64")
    if not 1 <= len(sent.photos) <= MAX_PHOTOS:
        raise Problem(422, "invalid", f"photos: between 1 and {MAX_PHOTOS} are needed, not {len(sent.photos)}")
    return sent


def _form_fields(form: Form) -> dict[str, Any]:
    """Text fields; name and role as they are, friends as JSON or repeated ids, everything else as JSON."""
    fields: dict[str, Any] = {}
    for name in form.fields:
        values = form.fields[name]
        if name == "friends" and not values[0].lstrip().startswith("["):
            fields[name] = [v.strip() for v in values if v.strip()]
        elif name in ("name", "role"):
            fields[name] = form.text(name)
        elif form.text(name):
            fields[name] = _json(name, values[0])
    return fields


def _from_json(body: bytes) -> _Sent:
    document = _json("body", body)
    if not isinstance(document, dict):
        raise Problem(422, "invalid", "the body must be a JSON object")
    photos = document.pop("photos", None)
    try:
        texts = TypeAdapter(list[str]).validate_python(photos or [], strict=True)
        data = [base64.b64decode(t.partition(",")[2] if t.startswith("data:") else t, validate=True) for t in texts]
    except (ValidationError, binascii.Error, ValueError) as error:
        raise Problem(422, "invalid", "photos must be a list of base64 texts") from error
    uploads = [Upload(f"photo {i + 1}", raw) for i, raw in enumerate(data)]
    for upload in uploads:
        check_size(upload)
    return _Sent(document, uploads)


def _json(name: str, text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "invalid", f"{name} is not JSON: {error}") from error
