"""Face detectors by the manifest's kinds: what their networks give, and how it is decoded.

A new kind is a file with the decoding, a row of DETECTORS here and its word in vision/packs/manifest.py.
"""

from typing import Callable, Dict, NamedTuple, Sequence, Tuple

import numpy as np

from vision.faces import blaze, yunet
from vision.packs.fields import ManifestError
from vision.packs.manifest import Detector, Manifest


class Decoder(NamedTuple):
    """One kind of detector with its settings.

    outputs: names and shapes (without the batch) that the network gives; decode(values, score) -> scores (n,) and rows
    (n, 4 + 2k) in px of the input: corners of the box, then keypoints. landmarks: the template that the first five
    keypoints fit, "" when they fit none.
    """

    outputs: Dict[str, Tuple[int, ...]]
    decode: Callable[[Sequence[np.ndarray], float], Tuple[np.ndarray, np.ndarray]]
    landmarks: str


def _blazeface(detector: Detector) -> Decoder:
    size = detector.network.size
    centres = blaze.anchors(size, detector.strides, detector.per)

    def decode(values: Sequence[np.ndarray], score: float) -> Tuple[np.ndarray, np.ndarray]:
        regressors, logits = values
        return blaze.decode(regressors, logits[:, 0], centres, size, score)

    return Decoder({"regressors": (len(centres), 16), "scores": (len(centres), 1)}, decode, "")


def _yunet(detector: Detector) -> Decoder:
    size, strides = detector.network.size, detector.strides
    if set(detector.per) != {1}:
        raise ManifestError(f"pack.faces.per: found {list(detector.per)}; yunet has 1 in each cell")
    if size % max(strides):
        raise ManifestError(f"pack.faces.network.size: found {size}; yunet wants a multiple of {max(strides)}")

    def decode(values: Sequence[np.ndarray], score: float) -> Tuple[np.ndarray, np.ndarray]:
        scores, rows = yunet.decode(values, size, strides, score)
        return blaze.best_of_each(scores, rows, detector.overlap)

    return Decoder(yunet.outputs(size, strides), decode, "arcface5")


DETECTORS = {"blazeface": _blazeface, "yunet": _yunet}


def decoder_of(manifest: Manifest) -> Decoder:
    """Gives the decoder of the pack's face detector.

    Raises ManifestError when its settings, or the landmarks for the embedder's template, do not fit the kind.
    """
    decoder = DETECTORS[manifest.faces.kind](manifest.faces)
    kind, wanted = manifest.landmarks.kind, manifest.embedder.template
    given = decoder.landmarks if kind == "detector" else kind
    if given != wanted:
        source = f"detector {manifest.faces.kind}" if kind == "detector" else f"predictor {kind}"
        raise ManifestError(f"pack.embedder.template: {wanted} needs other landmarks than the {source} gives "
                            f"({given or 'none of a template'})")
    return decoder
