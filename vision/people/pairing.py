"""The pairing of faces and bodies in one picture. Pure."""

from typing import Dict, Sequence

from vision.boxes import Box

ABOVE, BELOW = 0.15, 0.45
"""The centre of a face lies between so much of the body's height above its upper edge and below it."""
FULL_FIGURE = 3.5
"""A blob lower than so many face heights is no full figure but what moves around a large face."""


def pair(faces: Sequence[Box], bodies: Sequence[Box]) -> Dict[int, int]:
    """Face index -> body index: the smallest body that holds the face in its upper part, each body at most once."""
    body_of: Dict[int, int] = {}
    for face_index, face in enumerate(faces):
        free = [index for index, body in enumerate(bodies) if index not in body_of.values() and _holds(body, face)]
        if free:
            body_of[face_index] = min(free, key=lambda index: bodies[index][2] * bodies[index][3])
    return body_of


def dwarfed(body: Box, face: Box) -> bool:
    """Return whether a blob is not a figure but what moves around a large face (hair, shoulders, hands)."""
    x, y = body[0] + body[2] / 2, body[1] + body[3] / 2
    near_x = face[0] - 1.5 * face[2] <= x <= face[0] + 2.5 * face[2]
    near_y = face[1] - face[3] <= y <= face[1] + 4 * face[3]
    return near_x and near_y and body[3] < FULL_FIGURE * face[3]


def _holds(body: Box, face: Box) -> bool:
    x, y = face[0] + face[2] / 2, face[1] + face[3] / 2
    return (body[0] <= x <= body[0] + body[2]
            and body[1] - ABOVE * body[3] <= y <= body[1] + BELOW * body[3])
