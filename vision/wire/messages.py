"""What the worker says, as the JSON fields of its frames. Lengths in pixels, rounded to a tenth."""

import base64
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from vision.faces.reader import Face
from vision.packs.manifest import Manifest


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


def face_fields(face: Face, pack: str, scale: float = 1.0) -> Dict[str, Any]:
    """`scale` multiplies what is in pixels, for a picture that was analysed smaller than it is."""
    quality = face.quality
    embedding = None
    if face.embedding is not None:
        embedding = base64.b64encode(np.asarray(face.embedding, "<f4").tobytes()).decode("ascii")
    return {
        "box": rounded([value * scale for value in face.box]),
        "score": round(min(max(float(face.score), 0.0), 1.0), 4),
        "landmarks": [rounded(point * scale) for point in face.landmarks],
        "quality": {"width": round(quality.width * scale, 1), "sharpness": round(quality.sharpness, 2),
                    "brightness": round(quality.brightness, 1), "frontal": round(quality.frontal, 3)},
        "embedding": embedding,
        "pack": pack,
    }


def rounded(values: Sequence[float]) -> List[float]:
    """To a tenth of a pixel."""
    return [round(float(value), 1) for value in values]
