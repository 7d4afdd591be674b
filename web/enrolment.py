"""The choice of photos that may become templates. Pure: faces and matches in, templates and refusals out."""

from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

from contract.embedding import EmbeddingSpace, SpaceOf
from contract.errors import Unavailable
from contract.ids import new_id
from contract.match import Match
from contract.observation import Face, vector_from_text
from contract.profile import Template

RefusalCode = Literal["not_an_image", "no_face", "several_faces", "too_small", "blurred", "too_dark", "too_bright",
                      "not_frontal", "not_measured", "looks_like_enrolled", "different_person"]


class PhotoLimits(NamedTuple):
    """The limits that a photo must keep. Widths in pixels of the face, sharpness as FaceQuality has it, luma 0..255.

    `bystander`: another face counts when it is at least this share of the largest one's width.
    """

    refuse_width: float = 32.0
    warn_width: float = 48.0
    sharpness: float = 40.0
    dark: float = 35.0
    bright: float = 235.0
    frontal: float = 0.15
    bystander: float = 0.34


class Photo(NamedTuple):
    """One photo of a request and what became of it: `problem` when it could not be read, else `faces` and, where the
    largest was measured, `match` against the people who are enrolled already and how it is compared: `space`."""

    number: int
    filename: str
    faces: tuple[Face, ...] = ()
    match: Match | None = None
    space: EmbeddingSpace | None = None
    problem: str = ""


class RefusedPhoto(BaseModel):
    """A photo that was not taken, and why. `looks_like` names the enrolled person it resembles, where there is one."""

    index: int
    filename: str
    code: RefusalCode
    reason: str
    looks_like: str | None = None


class Good(NamedTuple):
    """A photo that may become a template."""

    photo: Photo
    face: Face
    space: EmbeddingSpace
    vector: np.ndarray
    warnings: tuple[str, ...]


class Judgement(NamedTuple):
    """The result for a set of photos."""

    good: tuple[Good, ...]
    refused: tuple[RefusedPhoto, ...]


def main_face(faces: tuple[Face, ...]) -> Face:
    """Return the largest face."""
    return max(faces, key=lambda face: face.box[2] * face.box[3])


def space_for(face: Face, space_of: SpaceOf) -> EmbeddingSpace:
    """Return how a measured face is compared. Raises Unavailable while no vision worker has said it."""
    space = space_of(face.pack)
    if space is None:
        raise Unavailable(f"no vision worker has said how faces of pack {face.pack} are compared",
                          hint="send the photos again in a moment")
    return space


def judge(photos: list[Photo], limits: PhotoLimits, *, existing: tuple[Template, ...] = (), owner: str | None = None,
          allow_lookalike: bool = False) -> Judgement:
    """Judge all photos of one person. `existing`: templates the person has; `owner`: the person's own id.

    With `allow_lookalike` a supervisor vouches that this is somebody else than whom the face resembles (twins).
    """
    good: list[Good] = []
    refused: list[RefusedPhoto] = []
    for photo in photos:
        result = _judge_one(photo, limits, owner, allow_lookalike)
        if isinstance(result, RefusedPhoto):
            refused.append(result)
        else:
            good.append(result)
    kept = _agreeing(good, existing)
    refused += [_refuse(g.photo, "different_person", "this is another face than the one of the other photos")
                for g in good if g not in kept]
    return Judgement(tuple(kept), tuple(sorted(refused, key=lambda r: r.index)))


def template_of(face: Face, made_at: str) -> Template:
    """Return the template of a measured face."""
    if face.embedding is None:
        raise ValueError("a face without an embedding makes no template")
    return Template(id=new_id(), pack=face.pack, vector=face.embedding, quality=quality_of(face), made_at=made_at)


def quality_of(face: Face) -> float:
    """Return 0..1: the weakest of size (full marks from 112 px), sharpness (from 200), pose, and the detector's
    certainty.
    """
    q = face.quality
    marks = (q.width / 112, q.sharpness / 200, 0.4 + q.frontal, face.score)
    return round(max(0.0, min(1.0, *marks)), 3)


def _judge_one(photo: Photo, limits: PhotoLimits, owner: str | None, allow_lookalike: bool) -> Good | RefusedPhoto:
    if photo.problem:
        return _refuse(photo, "not_an_image", photo.problem)
    if not photo.faces:
        return _refuse(photo, "no_face", "no face was found; use a photo that shows the face from the front")
    face = main_face(photo.faces)
    counted = [f for f in photo.faces if f.box[2] >= limits.bystander * face.box[2]]
    if len(counted) > 1:
        return _refuse(photo, "several_faces", f"{len(counted)} faces were found; crop the photo to one person")
    quality = face.quality
    if quality.width < limits.refuse_width:
        return _refuse(photo, "too_small", f"the face is {quality.width:.0f} px wide; {limits.refuse_width:.0f} are "
                                           f"needed, {limits.warn_width:.0f} or more are good")
    if quality.brightness < limits.dark:
        return _refuse(photo, "too_dark", "the face is too dark; take it with light from the front")
    if quality.brightness > limits.bright:
        return _refuse(photo, "too_bright", "the face is overexposed; take it without glare")
    if quality.sharpness < limits.sharpness:
        return _refuse(photo, "blurred", f"the face is blurred (sharpness {quality.sharpness:.0f}, "
                                         f"{limits.sharpness:.0f} is needed)")
    if quality.frontal < limits.frontal:
        return _refuse(photo, "not_frontal", "the face is turned away; use a photo from the front")
    return _against_enrolled(photo, face, limits, owner, allow_lookalike)


def _against_enrolled(photo: Photo, face: Face, limits: PhotoLimits, owner: str | None,
                      allow_lookalike: bool) -> Good | RefusedPhoto:
    vector = face.vector()
    if vector is None or photo.space is None:
        return _refuse(photo, "not_measured", "the face could not be measured")
    warnings = []
    if face.quality.width < limits.warn_width:
        warnings.append(f"photo {photo.number + 1}: the face is only {face.quality.width:.0f} px wide; "
                        f"{limits.warn_width:.0f} or more recognise better")
    match = photo.match
    if match is not None and match.profile_id not in (None, owner):
        if match.status == "known" and not allow_lookalike:
            refusal = _refuse(photo, "looks_like_enrolled", "this face looks like somebody who is enrolled already")
            return refusal.model_copy(update={"looks_like": match.profile_id})
        if match.status != "unknown":
            warnings.append(f"photo {photo.number + 1}: somebody who is enrolled looks similar; "
                            "sightings of the two will ask for a human look")
    return Good(photo, face, photo.space, vector, tuple(warnings))


def _agreeing(good: list[Good], existing: tuple[Template, ...]) -> list[Good]:
    """Return the photos that show one person: near the templates there are, else near the photo most others are near
    to.
    """
    packs = {g.face.pack for g in good}
    known = [(t.pack, vector_from_text(t.vector)) for t in existing if t.pack in packs]
    if known:
        return [g for g in good if any(_one_person(g, *other) for other in known)]
    if len(good) < 2:
        return good
    near = [[_one_person(g, other.face.pack, other.vector) for other in good] for g in good]
    centre = max(range(len(good)), key=lambda i: (sum(near[i]), -i))
    return [g for g, fits in zip(good, near[centre], strict=True) if fits]


def _one_person(good: Good, pack: str, vector: np.ndarray) -> bool:
    """Return whether a vector of `pack` may be the same person's; vectors of two packs are never compared."""
    return pack == good.space.pack and good.space.distance(good.vector, vector) <= good.space.thresholds.review


def _refuse(photo: Photo, code: RefusalCode, reason: str) -> RefusedPhoto:
    return RefusedPhoto(index=photo.number, filename=photo.filename, code=code, reason=reason)
