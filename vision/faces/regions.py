"""The regions in which to look for faces in the next picture of a camera. Pure.

Known faces are looked for where they were, in every picture. Beside that one more look goes round: the whole
picture in turn with tiles, and with the upper parts of people large enough to show a face. The numbers below are for a
detector with an input of MEASURED_WITH px; what it sees in a picture grows with its input.
"""

from typing import List, Sequence

from vision.boxes import Box
from vision.faces.blaze import Region, grid, tiles

MEASURED_WITH = 192.0
SINGLE, FINE = 400, 800
"""Long sides up to which the whole picture, or two tiles along it, are enough (see `grid`)."""
MAX_KNOWN = 3
WORTH_FOLLOWING = 24
"""px: smaller faces are seen again when their tile has its turn."""
VISIBLE = 18.0
"""The whole picture shows faces wider than one part in so many of its long side."""
FACE_MARGIN = 3.0
"""A known face is looked for in a square this many times its own size."""
SMALLEST_CROP = 96
BODY_HEIGHT = 110
"""px: a face is about an eighth of a standing person, and the detector sees little under 14 px."""
UPPER_PART = 0.45


def plan(width: int, height: int, frame: int, faces: Sequence[Box], bodies: Sequence[Box], size: int) -> List[Region]:
    """Gives the regions for picture number `frame`; `faces` and `bodies` as they were a moment ago.

    `size`: side of the detector's input in px.
    """
    sees = size / MEASURED_WITH
    whole = Region(0, 0, width, height)
    parts = tiles(width, height, *grid(width, height, SINGLE * sees, FINE * sees))
    if not parts:
        return [whole]
    known = [box for box in faces if box[2] >= WORTH_FOLLOWING]
    if frame % 2 == 0:
        hidden = [box for box in known if box[2] * VISIBLE * sees < max(width, height)]
        return [*(around(box, width, height) for box in hidden[:MAX_KNOWN]), whole]
    turn = parts + [upper(box, width, height) for box in bodies if box[3] >= BODY_HEIGHT]
    return [*(around(box, width, height) for box in known[:MAX_KNOWN]), turn[(frame // 2) % len(turn)]]


def around(face: Box, width: int, height: int) -> Region:
    """Return a square around a face, cut off at the picture's borders."""
    x, y, across, down = face
    return _square(x + across / 2, y + down / 2, max(FACE_MARGIN * max(across, down), SMALLEST_CROP), width, height)


def upper(body: Box, width: int, height: int) -> Region:
    """Return a square around the upper part of a body."""
    x, y, across, down = body
    side = max(down * UPPER_PART, across, SMALLEST_CROP)
    return _square(x + across / 2, y + side * 0.4, side, width, height)


def _square(x: float, y: float, side: float, width: int, height: int) -> Region:
    x0, y0 = int(max(x - side / 2, 0)), int(max(y - side / 2, 0))
    x1, y1 = int(min(x + side / 2, width)), int(min(y + side / 2, height))
    return Region(min(x0, width - 2), min(y0, height - 2), max(x1, min(x0, width - 2) + 2),
                  max(y1, min(y0, height - 2) + 2))
