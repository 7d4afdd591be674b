"""POST /recognize: who is on this photo."""

from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from appliance.api.auth import Box, new_router
from appliance.api.ports import Store
from appliance.api.stills import faces_of
from contract.match import Match
from contract.observation import Face, FaceQuality
from contract.profile import PersonRole
from web.problems import Problem
from web.uploads import Upload, check_size, read_form, read_raw, readers

router = new_router("recognition")


class Who(BaseModel):
    id: str
    name: str
    role: PersonRole


class FaceAnswer(BaseModel):
    """`profile` is given for known and review; `reason` says why nobody is named."""

    box: Annotated[tuple[float, float, float, float], Field(description="x, y, width, height in pixels")]
    score: float
    quality: FaceQuality
    status: Literal["known", "review", "unknown"]
    profile: Who | None
    confidence: float
    reason: str


class Recognition(BaseModel):
    """Faces, largest first. `reason` says why there are none."""

    width: int
    height: int
    pack: str
    faces: list[FaceAnswer]
    reason: str = ""


_BODY = {"requestBody": {"required": True, "content": {
    "multipart/form-data": {"schema": {"type": "object", "required": ["image"], "properties": {
        "image": {"type": "string", "format": "binary"}}}},
    "image/jpeg": {"schema": {"type": "string", "format": "binary"}},
    "image/png": {"schema": {"type": "string", "format": "binary"}},
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.post("/recognize", openapi_extra=_BODY)
async def recognize(request: Request, box: Box) -> Recognition:
    """Find the faces of an image and say whose they are, or why nobody can be named. The image is not kept."""
    async with readers(request.app.state):
        image = await _image_of(request)
        still = await faces_of(box.vision, image.data, "recognise")
    faces = sorted(still.faces, key=lambda face: -face.box[2] * face.box[3])
    answers = await run_in_threadpool(lambda: [_answer(face, box.matcher.identify(face), box.store) for face in faces])
    return Recognition(width=still.width, height=still.height, pack=still.pack, faces=answers,
                       reason="" if answers else "no face was found")


def _answer(face: Face, match: Match, store: Store) -> FaceAnswer:
    profile = store.profiles.find(match.profile_id) if match.profile_id and match.status != "unknown" else None
    # Somebody erased between the search and this line is nobody.
    gone = match.status != "unknown" and profile is None
    return FaceAnswer(
        box=face.box, score=face.score, quality=face.quality, status="unknown" if gone else match.status,
        profile=Who(id=profile.id, name=profile.name, role=profile.role) if profile else None,
        confidence=0.0 if gone else round(match.confidence, 4),
        reason="the person was erased just now" if gone else match.reason)


async def _image_of(request: Request) -> Upload:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "multipart/form-data":
        form = await read_form(request, file_fields=("image",), max_files=1)
        if not form.files.get("image"):
            raise Problem(422, "invalid", "the form has no file in the field image",
                          hint="curl -F image=@photo.jpg ...")
        return form.files["image"][0]
    if media.startswith("image/") or media in ("application/octet-stream", ""):
        upload = Upload("image", await read_raw(request))
        check_size(upload)
        return upload
    raise Problem(415, "unsupported_media_type", f"{media} is not an image",
                  hint="send multipart/form-data with a field image, or the bytes as image/jpeg")
