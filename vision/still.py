"""One still image (POST /recognize, enrolment): all faces in it, described. Backend-blind."""

from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Sequence

import numpy as np

from vision.faces.blaze import Region, grid, tiles
from vision.faces.reader import FaceReader, Found
from vision.faces.regions import MEASURED_WITH
from vision.wire.messages import face_fields

SINGLE, FINE = 320, 640
"""Long sides up to which one look, or two tiles along it, see small enough faces (see `grid`), with a detector whose
input has MEASURED_WITH px."""
MAX_FACES = 64


class Refused(Exception):
    """A picture that is not analysed: a code of the wire interface and a text for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class StillReader(NamedTuple):
    """open(data) -> picture with rgb, width, height, scale; find(rgb, regions) -> faces, best first.

    size: side of the detector's input in px.
    each(function, items) maps faces to what is said of them: `map`, or a thread pool's map.
    """

    open: Callable[[bytes], Any]
    find: Callable[[np.ndarray, Sequence[Region]], List[Found]]
    reader: FaceReader
    pack: str
    size: int
    each: Callable[..., Iterable[Any]] = map

    def read(self, data: bytes) -> Dict[str, Any]:
        """The fields of a `faces` answer, boxes in pixels of the upright upload. Raises Refused."""
        picture = self.open(data)
        height, width = picture.rgb.shape[:2]
        sees = self.size / MEASURED_WITH
        regions = [Region(0, 0, width, height),
                   *tiles(width, height, *grid(width, height, SINGLE * sees, FINE * sees))]
        found = self.find(picture.rgb, regions)[:MAX_FACES]
        faces = self.each(lambda one: self.reader.read(picture.rgb, one, with_embedding=True), found)
        return {"width": picture.width, "height": picture.height, "pack": self.pack,
                "faces": [face_fields(face, self.pack, picture.scale) for face in faces]}
