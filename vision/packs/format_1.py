"""Manifests of format 1, which only the built-in pack had: its kinds were not written down. Pure."""

from typing import Any, Dict

from vision.packs.fields import ManifestError


def from_format_1(pack: Any) -> Dict[str, Any]:
    """Gives the same pack in format 2. Raises ManifestError for what is not the built-in pack's manifest."""
    try:
        alignment, faces, limits = pack["alignment"], pack["faces"], pack["thresholds"]
        return {
            "id": pack["id"],
            "faces": {"kind": "blazeface", "sure": 0.7, **faces, "network": _rgb(faces["network"])},
            "landmarks": {"kind": "dlib5", "file": alignment["landmarks"], "box": alignment["box"]},
            "embedder": {"network": _rgb(pack["embedder"]), "template": "dlib5"},
            "embedding_size": pack["embedding_size"],
            "metric": {"l2": "euclidean"}[pack["metric"]],
            "thresholds": {"margin": 0.02, "min_width": 32.0, **limits},
            "pose": {"kind": "blazepose", "network": _rgb(pack["pose"]), "presence": 0.5},
            "files": pack["files"],
        }
    except (KeyError, TypeError) as error:
        raise ManifestError(f"the manifest of format 1 is incomplete ({error!r})") from error


def _rgb(network: Dict[str, Any]) -> Dict[str, Any]:
    return dict(network, colours="rgb")
