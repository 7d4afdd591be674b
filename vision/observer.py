"""One camera's pictures -> observations: people, faces, and which face is whose. Backend-blind."""

import itertools
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from vision.boxes import Box
from vision.faces.blaze import Region
from vision.faces.reader import FaceReader, Found
from vision.faces.regions import plan
from vision.faces.throttle import Throttle
from vision.graph import Embed, Track
from vision.people.blobs import Body, People
from vision.people.pairing import pair
from vision.ring import Shot
from vision.tracker import Tracker, Trail
from vision.wire.messages import face_fields, moment, rounded

REMEMBER_S = 60.0


class Eyes(NamedTuple):
    """What the backend gives: find(rgb, regions) -> faces, and how to describe one. Shared by all cameras.

    size: side of the detector's input in px. sure: a face track is believed once it scored this: shelves and backs of
    heads stay below. min_width: narrower faces (px) are not described.
    """

    find: Callable[[np.ndarray, Sequence[Region]], List[Found]]
    reader: FaceReader
    pack: str
    size: int
    sure: float
    min_width: float


class Observer:
    """One camera; not for several threads. `ids` is shared, so that a track's id is unique in the worker."""

    def __init__(self, camera: str, eyes: Eyes, people: People, track: Track, embed: Embed,
                 ids: Iterator[int]) -> None:
        self._camera = camera
        self._eyes = eyes
        self._people = people
        self._tracker = Tracker(ids, track.overlap, track.keep_s)
        self._throttle = Throttle(embed, eyes.min_width)
        self._best: Dict[int, float] = {}
        self._known: List[Trail] = []
        self._found: Dict[int, Found] = {}
        self._keep_s = track.keep_s

    def observe(self, shot: Shot) -> Dict[str, Any]:
        """The fields of the observation of the next picture."""
        recent = [trail for trail in self._known if shot.at - trail.seen <= self._keep_s]
        believed = [trail.box for trail in recent if self._best[trail.id] >= self._eyes.sure]
        bodies = self._people.update(shot.rgb, shot.frame, shot.at, believed)
        faces = self._faces(shot, recent, bodies)
        height, width = shot.rgb.shape[:2]
        return {"camera": self._camera, "frame": shot.frame, "at": moment(shot.at), "width": width,
                "height": height, "tracks": self._tracks(shot, bodies, faces)}

    def _faces(self, shot: Shot, recent: List[Trail], bodies: List[Body]) -> List[Trail]:
        """Trails of the believed faces seen in this picture."""
        height, width = shot.rgb.shape[:2]
        regions = plan(width, height, shot.frame, [trail.box for trail in recent], [body.box for body in bodies],
                       self._eyes.size)
        found = self._eyes.find(shot.rgb, regions)
        trails = self._tracker.update([face.box for face in found], [face.score for face in found],
                                      shot.frame, shot.at)
        for trail in trails:
            self._best[trail.id] = max(trail.score, self._best.get(trail.id, 0.0))
        self._found = {trail.id: face for trail, face in zip(trails, found)}
        seen = {trail.id for trail in trails}
        self._known = trails + [trail for trail in recent if trail.id not in seen]
        self._best = {key: self._best[key] for key in {trail.id for trail in self._known}}
        self._throttle.forget_before(shot.at - REMEMBER_S)
        return [trail for trail in trails if self._best[trail.id] >= self._eyes.sure]

    def _tracks(self, shot: Shot, bodies: List[Body], faces: List[Trail]) -> List[Dict[str, Any]]:
        body_of = pair([face.box for face in faces], [body.box for body in bodies])
        face_of = {body: face for face, body in body_of.items()}
        tracks = []
        for index, body in enumerate(bodies):
            face = self._describe(shot, faces[face_of[index]], body.id) if index in face_of else None
            tracks.append(_track(body.id, "body", body.box, body.score, shot.frame - body.born, face))
        for index, trail in enumerate(faces):
            if index not in body_of:
                face = self._describe(shot, trail, trail.id)
                tracks.append(_track(trail.id, "face", trail.box, trail.score, shot.frame - trail.born, face))
        return tracks

    def _describe(self, shot: Shot, trail: Trail, track: int) -> Optional[Dict[str, Any]]:
        """None for a face that is too small to say anything of."""
        if trail.box[2] < self._eyes.min_width:
            return None
        embed = self._throttle.due(track, trail.box[2], shot.at)
        face = self._eyes.reader.read(shot.rgb, self._found[trail.id], embed)
        return face_fields(face, self._eyes.pack)


def new_ids() -> Iterator[int]:
    """Track ids of one worker run; safe to share between threads."""
    return itertools.count(1)


def _track(track: int, source: str, box: Box, score: float, age: int, face: Any) -> Dict[str, Any]:
    return {"id": track, "source": source, "box": rounded(box), "score": round(min(float(score), 1.0), 4),
            "age": age, "face": face}
