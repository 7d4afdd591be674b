"""Which face belongs to which body, in one picture. Pure."""

from typing import Dict, List, NamedTuple, Sequence

from appliance.pipeline.vision.boxes import Box

ABOVE, BELOW = 0.15, 0.45
"""The centre of a face lies between so much of the body's height above its upper edge and below it."""
FULL_FIGURE = 3.5
"""A blob lower than so many face heights is no full figure but what moves around a large face."""


class Pairing(NamedTuple):
    """`body_of` maps face index to body index; `shadowed` bodies are only parts of a person whose face stands for it."""

    body_of: Dict[int, int]
    shadowed: List[int]


def pair(faces: Sequence[Box], bodies: Sequence[Box]) -> Pairing:
    """Each face gets the smallest body that holds it in its upper part; each body at most one face."""
    body_of: Dict[int, int] = {}
    shadowed: List[int] = []
    for face_index, face in enumerate(faces):
        around = [index for index, body in enumerate(bodies) if _holds(body, face)]
        if any(bodies[index][3] < FULL_FIGURE * face[3] for index in around):
            shadowed.extend(index for index in around if bodies[index][3] < FULL_FIGURE * face[3])
            continue
        free = [index for index in around if index not in body_of.values()]
        if free:
            body_of[face_index] = min(free, key=lambda index: bodies[index][2] * bodies[index][3])
    return Pairing({face: body for face, body in body_of.items() if body not in shadowed}, shadowed)


def _holds(body: Box, face: Box) -> bool:
    x, y = face[0] + face[2] / 2, face[1] + face[3] / 2
    return (body[0] <= x <= body[0] + body[2]
            and body[1] - ABOVE * body[3] <= y <= body[1] + max(BELOW * body[3], 1.5 * face[3]))
