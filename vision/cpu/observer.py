"""One camera's shots -> sights, on the CPU: where to look in this picture, and who is followed since the last ones."""

from typing import Callable, List, Sequence

import numpy as np

from vision.faces.blaze import Region
from vision.faces.reader import Found
from vision.faces.regions import plan
from vision.faces.trails import FaceTrails
from vision.people.blobs import People
from vision.people.describer import Describer
from vision.shot import Shot
from vision.sight import Sight

FindFaces = Callable[[np.ndarray, Sequence[Region]], List[Found]]


class Observer:
    """Not for several threads. find(rgb, regions) -> faces is shared by all cameras; size: side of the detector's input
    in px."""

    def __init__(self, find: FindFaces, size: int, people: People, faces: FaceTrails, describer: Describer) -> None:
        self._find = find
        self._size = size
        self._people = people
        self._faces = faces
        self._describer = describer

    def observe(self, shot: Shot) -> Sight:
        """Gives the sight of the next shot."""
        rgb = shot.rgb()
        recent = self._faces.recent(shot.at)
        believed = [trail.box for trail in recent if self._faces.believed(trail)]
        bodies = self._people.update(rgb, shot.frame, shot.at, believed)
        regions = plan(shot.width, shot.height, shot.frame, [trail.box for trail in recent],
                       [body.box for body in bodies], self._size)
        faces = self._faces.update(self._find(rgb, regions), shot.frame, shot.at)
        return Sight(self._describer.describe(shot, bodies, faces))
