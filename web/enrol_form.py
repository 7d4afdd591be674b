"""The input of POST /users/register and /users/{id}/photos: a form with files, or JSON with photos as base64."""

import base64
import binascii
import json
from typing import Any, NamedTuple, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contract.ids import Id
from contract.profile import Contact, PersonName, PersonRole
from web.consent import ConsentIn
from web.problems import Problem, field_errors
from web.uploads import MAX_PHOTOS, Form, Upload, check_size, read_form, read_raw

PHOTO_FIELDS = ("photos", "photo", "image", "images")
M = TypeVar("M", bound=BaseModel)


class NewUser(BaseModel):
    """The fields about a new person; the photos come beside it. `accept_partial`: enrol with the good photos and report
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


class Sent(NamedTuple):
    """The fields, not checked yet, and the photos."""

    fields: dict[str, Any]
    photos: list[Upload]


def body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the request body of such a route, for OpenAPI."""
    text = {"type": "string", "description": "JSON text"}
    fields = {name: {"type": "string"} if name in ("name", "role") else text for name in model.model_fields}
    files = {"type": "array", "minItems": 1, "maxItems": MAX_PHOTOS, "items": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {
        "type": "object", "properties": {**fields, "photos": files},
        "required": ["photos", *(n for n, f in model.model_fields.items() if f.is_required())]}}}}}


def checked(model: type[M], fields: dict[str, Any]) -> M:
    """Return the model of the fields. Raises Problem 422 naming each that does not fit."""
    try:
        return model(**fields)
    except ValidationError as error:
        errors = field_errors(error.errors())
        detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5])
        raise Problem(422, "invalid", detail, errors=errors) from error


async def read_sent(request: Request, *, fewest: int = 1) -> Sent:
    """Return fields and photos of a form or of JSON. Raises Problem for anything else, and for too few photos or too
    many.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "multipart/form-data":
        form = await read_form(request, file_fields=PHOTO_FIELDS, max_files=MAX_PHOTOS)
        sent = Sent(_form_fields(form), [u for name in PHOTO_FIELDS for u in form.files.get(name, [])])
    elif media == "application/json":
        sent = _from_json(await read_raw(request))
    else:
        raise Problem(415, "unsupported_media_type", f"{media or 'a body without a type'} cannot be read here",
                      hint="send multipart/form-data with files in the field photos, or JSON with photos as base64")
    if not fewest <= len(sent.photos) <= MAX_PHOTOS:
        raise Problem(422, "invalid", f"photos: between 1 and {MAX_PHOTOS} are needed, not {len(sent.photos)}")
    return sent


def _form_fields(form: Form) -> dict[str, Any]:
    """Text fields; name and role as they are, friends as JSON or repeated ids, everything else as JSON."""
    fields: dict[str, Any] = {}
    for name, values in form.fields.items():
        if name == "friends" and not values[0].lstrip().startswith("["):
            fields[name] = [v.strip() for v in values if v.strip()]
        elif name in ("name", "role"):
            fields[name] = form.text(name)
        elif form.text(name):
            fields[name] = _json(name, values[0])
    return fields


def _from_json(body: bytes) -> Sent:
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
    return Sent(document, uploads)


def _json(name: str, text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "invalid", f"{name} is not JSON: {error}") from error
