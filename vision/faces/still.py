"""One still image (POST /recognize, enrolment): all faces in it, described. Backend-blind."""

from typing import Any, Callable, Iterable, List, NamedTuple, Sequence

import numpy as np

from vision.faces.blaze import Region, grid, tiles
from vision.faces.reader import FaceReader, Found
from vision.faces.regions import MEASURED_WITH
from vision.sight import StillSight, enlarged

SINGLE, FINE = 320, 640
"""Long sides up to which one look, or two tiles along it, see small enough faces (see `grid`), with a detector whose
input has MEASURED_WITH px."""
MAX_FACES = 64


class StillReader(NamedTuple):
    """open(data) -> image with rgb, width, height, scale; find(rgb, regions) -> faces, best first.

    size: side of the detector's input in px.
    each(function, items) maps faces to what is said of them: `map`, or a thread pool's map.
    """

    open: Callable[[bytes], Any]
    find: Callable[[np.ndarray, Sequence[Region]], List[Found]]
    reader: FaceReader
    size: int
    each: Callable[..., Iterable[Any]] = map

    def read(self, data: bytes) -> StillSight:
        """Gives all faces, in pixels of the upright upload. Raises Refused."""
        image = self.open(data)
        height, width = image.rgb.shape[:2]
        sees = self.size / MEASURED_WITH
        regions = [Region(0, 0, width, height),
                   *tiles(width, height, *grid(width, height, SINGLE * sees, FINE * sees))]
        found = self.find(image.rgb, regions)[:MAX_FACES]
        faces = self.each(lambda one: self.reader.read(image.rgb, one, with_embedding=True), found)
        return StillSight(image.width, image.height, tuple(enlarged(face, image.scale) for face in faces))
