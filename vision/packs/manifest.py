"""A model pack's manifest: what the files are, how to feed them and which distances mean what.

This file is Python 3.6 like everything the worker runs on a Jetson.
"""

import hashlib
import json
from pathlib import Path
from typing import Dict, NamedTuple, Tuple

FORMAT = 1
MANIFEST_NAME = "manifest.json"
REMEDY = "run `sentrybox models build`"


class ManifestError(ValueError):
    """The pack is absent, incomplete or damaged; the text says what to do."""


class Network(NamedTuple):
    """An ONNX file with input "input": (N, 3, size, size) RGB, value = (pixel - mean) * scale."""

    file: str
    size: int
    mean: Tuple[float, ...]
    scale: float


class Detector(NamedTuple):
    """An anchor detector: `strides` with `per` anchors in each cell; score and NMS overlap to start from."""

    network: Network
    strides: Tuple[int, ...]
    per: Tuple[int, ...]
    score: float
    overlap: float


class Alignment(NamedTuple):
    """How a face becomes a chip.

    `box` maps a detector's (x, y, w, h) to the landmark predictor's: x + b0*w, y + b1*h, b2*w, b3*h.
    `template` are the landmarks in a chip without padding, 0..1.
    """

    landmarks: str
    box: Tuple[float, ...]
    template: Tuple[Tuple[float, float], ...]
    padding: float
    chip: int


class Thresholds(NamedTuple):
    """Distances: at most `known` names a person, at most `review` asks a guard, `verify` compares 1:1."""

    known: float
    review: float
    verify: float


class PackFile(NamedTuple):
    sha256: str
    bytes: int
    licence: str
    source: str


class Manifest(NamedTuple):
    """One model pack; `metric` is "l2" (embeddings as they are)."""

    id: str
    faces: Detector
    alignment: Alignment
    embedder: Network
    embedding_size: int
    metric: str
    thresholds: Thresholds
    pose_detector: Detector
    pose: Network
    files: Dict[str, PackFile]


def dump_manifest(manifest: Manifest) -> str:
    """The JSON text that `load_manifest` reads."""
    return json.dumps({"format": FORMAT, "pack": _plain(manifest)}, indent=2, sort_keys=True) + "\n"


def load_manifest(directory: Path) -> Manifest:
    """Reads the manifest of the pack in `directory`; the files are not read (see `check_files`)."""
    path = Path(directory) / MANIFEST_NAME
    try:
        document = json.loads(path.read_text())
    except OSError:
        raise ManifestError(f"no model pack in {directory}: {REMEDY}") from None
    except ValueError as error:
        raise ManifestError(f"{path} is not JSON ({error}): {REMEDY}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise ManifestError(f"{path} has format {found!r}; this version reads {FORMAT}: {REMEDY}")
    try:
        return _parse(document["pack"])
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path} is incomplete ({error!r}): {REMEDY}") from error


def check_files(directory: Path, manifest: Manifest) -> None:
    """Raises ManifestError naming the first file that is missing or whose SHA-256 differs."""
    for name, expected in sorted(manifest.files.items()):
        path = Path(directory) / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            raise ManifestError(f"{path} is missing from the pack: {REMEDY}") from None
        if found != expected.sha256:
            raise ManifestError(
                f"{path} is damaged (SHA-256 {found[:12]}..., expected {expected.sha256[:12]}...): {REMEDY}")


def _plain(value):
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _parse(pack):
    alignment = dict(pack["alignment"])
    alignment["template"] = tuple((float(x), float(y)) for x, y in alignment["template"])
    alignment["box"] = tuple(alignment["box"])
    return Manifest(
        id=str(pack["id"]), faces=_detector(pack["faces"]), alignment=Alignment(**alignment),
        embedder=_network(pack["embedder"]), embedding_size=int(pack["embedding_size"]), metric=str(pack["metric"]),
        thresholds=Thresholds(**pack["thresholds"]), pose_detector=_detector(pack["pose_detector"]),
        pose=_network(pack["pose"]), files={name: PackFile(**entry) for name, entry in pack["files"].items()})


def _network(entry):
    return Network(str(entry["file"]), int(entry["size"]), tuple(entry["mean"]), float(entry["scale"]))


def _detector(entry):
    return Detector(_network(entry["network"]), tuple(entry["strides"]), tuple(entry["per"]), float(entry["score"]),
                    float(entry["overlap"]))
