"""From the bodies and faces of a shot to its people: which face is whose, and which is worth an embedding.

Backend-blind: bodies and faces may come from any detector and tracker. Pixels are fetched for a face that is large
enough to describe, and never without one.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from vision.boxes import Box
from vision.faces.reader import FaceReader
from vision.faces.throttle import Throttle
from vision.faces.trails import FollowedFace
from vision.graph import Embed
from vision.people.pairing import pair
from vision.shot import Shot
from vision.sight import Face, Person, Pose

REMEMBER_S = 60.0


class Body(NamedTuple):
    """A person followed by the body. `score`: 0..1 that it is a person; `born`: the frame its track began with."""

    id: int
    box: Box
    score: float
    born: int
    pose: Optional[Pose] = None


class Describer:
    """One camera; not for several threads. Faces narrower than `min_width` px are not described."""

    def __init__(self, reader: FaceReader, embed: Embed, min_width: float) -> None:
        self._reader = reader
        self._min_width = min_width
        self._throttle = Throttle(embed, min_width)

    def describe(self, shot: Shot, bodies: Sequence[Body], faces: Sequence[FollowedFace]) -> Tuple[Person, ...]:
        """Gives the people of a shot: each body with its face, then each face without a body."""
        self._throttle.forget_before(shot.at - REMEMBER_S)
        body_of = pair([face.trail.box for face in faces], [body.box for body in bodies])
        face_of: Dict[int, int] = {body: face for face, body in body_of.items()}
        people: List[Person] = []
        for index, body in enumerate(bodies):
            face = self._read(shot, faces[face_of[index]], body.id) if index in face_of else None
            people.append(Person(body.id, "body", body.box, body.score, shot.frame - body.born, face, body.pose))
        for index, (trail, _) in enumerate(faces):
            if index not in body_of:
                face = self._read(shot, faces[index], trail.id)
                people.append(Person(trail.id, "face", trail.box, trail.score, shot.frame - trail.born, face))
        return tuple(people)

    def _read(self, shot: Shot, face: FollowedFace, track: int) -> Optional[Face]:
        """None for a face that is too small to say anything of."""
        width = face.trail.box[2]
        if width < self._min_width:
            return None
        return self._reader.read(shot.rgb(), face.found, self._throttle.due(track, width, shot.at))
