"""The worker's messages, as the JSON fields of its frames. Lengths in pixels, rounded to a tenth."""

import base64
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from vision.packs.manifest import Manifest
from vision.shot import Shot
from vision.sight import Face, Person, Sight, StillSight


def moment(seconds: float) -> str:
    """Seconds since 1970 -> "2026-11-23T20:00:00.123Z"."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return datetime.fromtimestamp(whole, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{thousandths:03d}Z"


def pack_fields(manifest: Optional[Manifest]) -> Dict[str, Any]:
    """Gives what a client must know to compare embeddings of the pack; None: there is no pack yet."""
    if manifest is None:
        return {"pack": "", "embedding_size": 0, "metric": "", "thresholds": {}}
    return {"pack": manifest.id, "embedding_size": manifest.embedding_size, "metric": manifest.metric,
            "thresholds": dict(manifest.thresholds._asdict())}


def shot_fields(shot: Shot) -> Dict[str, Any]:
    """Gives what `observation`, `picture` and `preview` frames say of a shot."""
    return {"camera": shot.camera, "frame": shot.frame, "at": moment(shot.at), "width": shot.width,
            "height": shot.height}


def observation_fields(shot: Shot, sight: Sight, pack: str) -> Dict[str, Any]:
    """Gives the fields of an `observation` frame."""
    return dict(shot_fields(shot), tracks=[_track_fields(person, pack) for person in sight.people])


def still_fields(sight: StillSight, pack: str) -> Dict[str, Any]:
    """Gives the fields of a `faces` frame that has no error."""
    return {"width": sight.width, "height": sight.height, "pack": pack,
            "faces": [_face_fields(face, pack) for face in sight.faces]}


def _track_fields(person: Person, pack: str) -> Dict[str, Any]:
    fields = {"id": person.track, "source": person.source, "box": _rounded(person.box), "score": _share(person.score),
              "age": person.age, "face": _face_fields(person.face, pack) if person.face else None}
    if person.pose is not None:
        fields["pose"] = [[*_rounded((x, y)), _share(score)] for x, y, score in person.pose.joints]
    return fields


def _face_fields(face: Face, pack: str) -> Dict[str, Any]:
    quality = face.quality
    embedding = None
    if face.embedding is not None:
        embedding = base64.b64encode(np.asarray(face.embedding, "<f4").tobytes()).decode("ascii")
    return {
        "box": _rounded(face.box),
        "score": _share(face.score),
        "landmarks": [_rounded(point) for point in face.landmarks],
        "quality": {"width": round(quality.width, 1), "sharpness": round(quality.sharpness, 2),
                    "brightness": round(quality.brightness, 1), "frontal": round(quality.frontal, 3)},
        "embedding": embedding,
        "pack": pack,
    }


def _rounded(values: Sequence[float]) -> List[float]:
    return [round(float(value), 1) for value in values]


def _share(score: float) -> float:
    return round(min(max(float(score), 0.0), 1.0), 4)
