"""Faces of an image somebody sent, for POST /recognize and for enrolment."""

import re
from typing import Literal

from appliance.api.ports import Vision
from contract.camera import Still
from contract.errors import Rejected
from web.problems import Problem

_CODE = re.compile(r"^[a-z][a-z_]{2,40}$")


async def faces_of(vision: Vision, image: bytes, purpose: Literal["recognise", "enrol"]) -> Still:
    """Return the faces. Raises Problem 422 with a code for an image that cannot be used, Unavailable while vision is
    down.
    """
    if not image:
        raise Problem(422, "not_an_image", "the image is empty", hint="send the bytes of a JPEG or PNG file")
    try:
        return await vision.still(image, purpose)
    except Rejected as error:
        code = error.hint if _CODE.match(error.hint) else "not_an_image"
        raise Problem(422, code, error.detail, hint="send a JPEG or PNG photo") from error
