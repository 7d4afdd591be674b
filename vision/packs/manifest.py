"""A model pack's manifest: what kind each network is of, how to feed it and which distances mean what.

The words a pack may use are the tuples below; what each stands for is in the tables of vision/faces and
vision/people. docs/models.md explains every field. This file is Python 3.6 like everything the worker runs on a
Jetson.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, NamedTuple, Tuple

from vision.packs.fields import ManifestError, Section
from vision.packs.format_1 import from_format_1

FORMAT = 2
MANIFEST_NAME = "manifest.json"
BUILT_IN = "open-1"
"""The pack that `sentrybox models build` makes."""

DETECTORS = ("blazeface", "yunet")
LANDMARKS = ("dlib5", "detector")
TEMPLATES = ("dlib5", "arcface5")
POSES = ("blazepose",)
METRICS = ("euclidean", "cosine")
COLOURS = ("rgb", "bgr")
MAX_VALUES = 1536
"""Longer embeddings do not fit into a template on the wire."""


class Network(NamedTuple):
    """An ONNX file with one input (N, 3, size, size): value = (pixel - mean) * scale, in the order of `colours`."""

    file: str
    size: int
    mean: Tuple[float, ...]
    scale: float
    colours: str


class Detector(NamedTuple):
    """A face detector of a `kind`: `per` anchors in each cell of each of the `strides`.

    `score`: what is found at all; `overlap`: above it two boxes are one face; `sure`: a track that scored so once is
    believed.
    """

    kind: str
    network: Network
    strides: Tuple[int, ...]
    per: Tuple[int, ...]
    score: float
    overlap: float
    sure: float


class Landmarks(NamedTuple):
    """The source of the five landmarks: a predictor in `file`, or "detector": the face detector gives them.

    `box` maps a detector's (x, y, w, h) to the predictor's: x + b0*w, y + b1*h, b2*w, b3*h.
    """

    kind: str
    file: str
    box: Tuple[float, ...]


class Embedder(NamedTuple):
    """A network from chip to embedding; `template` says where the landmarks lie in the chip, of the network's size."""

    network: Network
    template: str


class PoseNetwork(NamedTuple):
    """A pose network of a `kind`; `presence`: from this probability on a moving blob is a person."""

    kind: str
    network: Network
    presence: float


class Thresholds(NamedTuple):
    """Distances in the pack's metric ("cosine": 1 - cosine similarity).

    At most `known` from the mean of a person's templates names them, at most `review` asks a guard; `verify` compares
    two photos. Two people whose distances differ by less than `margin` are not told apart. Faces narrower than
    `min_width` px are not compared.
    """

    known: float
    review: float
    verify: float
    margin: float
    min_width: float


class PackFile(NamedTuple):
    sha256: str
    bytes: int
    licence: str
    source: str


class Manifest(NamedTuple):
    """One model pack. Embeddings have `embedding_size` values and are compared by `metric`."""

    id: str
    faces: Detector
    landmarks: Landmarks
    embedder: Embedder
    embedding_size: int
    metric: str
    thresholds: Thresholds
    pose: PoseNetwork
    files: Dict[str, PackFile]


def remedy(pack: str) -> str:
    """Returns what to do about a pack, by its id or directory name, that is incomplete: only one can be built."""
    if pack == BUILT_IN:
        return "run `sentrybox models build`"
    return f"name a directory with {MANIFEST_NAME} and the files that it lists (docs/models.md)"


def dump_manifest(manifest: Manifest) -> str:
    """Writes the JSON text that `load_manifest` reads."""
    pack = _plain(manifest)
    if manifest.landmarks.kind == "detector":
        pack["landmarks"] = {"kind": "detector"}
    return json.dumps({"format": FORMAT, "pack": pack}, indent=2, sort_keys=True) + "\n"


def load_manifest(directory: Path) -> Manifest:
    """Reads the manifest of the pack in `directory`; the files are not read (see `check_files`).

    Raises ManifestError naming the first field that is wrong, what was found there and what is known.
    """
    path = Path(directory) / MANIFEST_NAME
    mend = remedy(path.parent.name)
    try:
        document = json.loads(path.read_text())
    except OSError:
        lacks = f"{MANIFEST_NAME} is missing there" if path.parent.is_dir() else "there is no such directory"
        raise ManifestError(f"no model pack in {directory}, {lacks}: {mend}") from None
    except ValueError as error:
        raise ManifestError(f"{path} is not JSON ({error}): {mend}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found not in (1, FORMAT):
        raise ManifestError(f"{path} has format {found!r}; this version reads 1 and {FORMAT}: {mend}")
    try:
        pack = from_format_1(document.get("pack")) if found == 1 else document.get("pack")
        return _parse(Section("pack", pack))
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}; correct it (docs/models.md), or {remedy(BUILT_IN)} if it is the "
                            "built-in pack") from error


def check_files(directory: Path, manifest: Manifest) -> None:
    """Raises ManifestError naming the first file that is missing or whose SHA-256 differs."""
    for name, expected in sorted(manifest.files.items()):
        path = Path(directory) / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            raise ManifestError(f"{path} is missing from the pack: {remedy(manifest.id)}") from None
        if found != expected.sha256:
            raise ManifestError(
                f"{path} is damaged (SHA-256 {found[:12]}..., expected {expected.sha256[:12]}...): "
                f"{remedy(manifest.id)}")


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _parse(pack: Section) -> Manifest:
    manifest = Manifest(
        id=pack.text("id"), faces=_detector(pack.section("faces")), landmarks=_landmarks(pack.section("landmarks")),
        embedder=_embedder(pack.section("embedder")), embedding_size=pack.whole("embedding_size", 1, MAX_VALUES),
        metric=pack.word("metric", METRICS), thresholds=_thresholds(pack.section("thresholds")),
        pose=_pose(pack.section("pose")), files=_files(pack.section("files")))
    pack.end()
    _used_are_listed(manifest)
    return manifest


def _network(entry: Section) -> Network:
    network = Network(entry.text("file"), entry.whole("size", 16, 4096), entry.numbers("mean"),
                      entry.number("scale", 1e-6, 1e3), entry.word("colours", COLOURS))
    entry.end()
    if len(network.mean) != 3:
        raise ManifestError(f"{entry.place}.mean: {len(network.mean)} numbers; one for each of the 3 colours")
    return network


def _detector(entry: Section) -> Detector:
    detector = Detector(
        entry.word("kind", DETECTORS), _network(entry.section("network")), entry.wholes("strides"),
        entry.wholes("per"), entry.number("score", 0.01, 0.99), entry.number("overlap", 0.01, 0.99),
        entry.number("sure", 0.01, 0.99))
    entry.end()
    if len(detector.strides) != len(detector.per):
        raise ManifestError(f"{entry.place}.per: {len(detector.per)} numbers; one for each of the "
                            f"{len(detector.strides)} strides")
    return detector


def _landmarks(entry: Section) -> Landmarks:
    kind = entry.word("kind", LANDMARKS)
    if kind == "detector":
        entry.end()
        return Landmarks(kind, "", ())
    landmarks = Landmarks(kind, entry.text("file"), entry.numbers("box"))
    entry.end()
    if len(landmarks.box) != 4:
        raise ManifestError(f"{entry.place}.box: {len(landmarks.box)} numbers; four map a box")
    return landmarks


def _embedder(entry: Section) -> Embedder:
    embedder = Embedder(_network(entry.section("network")), entry.word("template", TEMPLATES))
    entry.end()
    return embedder


def _pose(entry: Section) -> PoseNetwork:
    pose = PoseNetwork(entry.word("kind", POSES), _network(entry.section("network")),
                       entry.number("presence", 0.01, 0.99))
    entry.end()
    return pose


def _thresholds(entry: Section) -> Thresholds:
    known, review, verify, margin = (entry.number(name, 0.0, 1e6) for name in ("known", "review", "verify", "margin"))
    limits = Thresholds(known, review, verify, margin, entry.number("min_width", 1.0, 1000.0))
    entry.end()
    if not limits.known < limits.review:
        raise ManifestError(f"{entry.place}: known ({limits.known:g}) must be below review ({limits.review:g}); these "
                            "are distances (cosine: 1 - similarity)")
    return limits


def _files(entries: Section) -> Dict[str, PackFile]:
    files = {}
    for name in entries.names():
        entry = entries.section(name)
        if Path(name).name != name:
            raise ManifestError(f"{entries.place}: {name!r} is no plain file name in the pack")
        files[name] = PackFile(entry.text("sha256"), entry.whole("bytes", 0, 2 ** 40), entry.text("licence"),
                               entry.text("source"))
        entry.end()
    return files


def _used_are_listed(manifest: Manifest) -> None:
    """Every file that is read has a checksum and a licence."""
    used = [manifest.faces.network.file, manifest.embedder.network.file, manifest.pose.network.file]
    used += [manifest.landmarks.file] if manifest.landmarks.file else []
    for name in used:
        if name not in manifest.files:
            raise ManifestError(f"pack.files: {name} is used but not listed")
