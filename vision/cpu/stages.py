"""The CPU backend's table from stage to renderer (see vision/stages.py for what each returns)."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import numpy as np

from vision.boxes import Box
from vision.cpu import pixels
from vision.cpu.background import Background
from vision.cpu.nets import THE_ONLY, FaceFinder, Net
from vision.cpu.pictures import open_picture
from vision.cpu.stream import Stream
from vision.faces.chip import TEMPLATES
from vision.faces.detectors import Decoder, decoder_of
from vision.faces.metric import published
from vision.faces.points import Points, points_of
from vision.faces.reader import FaceReader
from vision.graph import Decode, Detect, Embed, Graph, Publish, Track
from vision.packs.manifest import Manifest
from vision.people.blobs import Blobs, People
from vision.people.poses import OUTPUTS
from vision.stages import Still
from vision.still import StillReader

STILL_THREADS = 2
"""A still image is somebody waiting: its tiles and faces use two cores, cameras use one each."""
POSE_MARGIN = 1.25


class Loaded(NamedTuple):
    """Shared by all cameras and the still path; everything in it may be called from several threads."""

    faces: Net
    decoder: Decoder
    embedder: Net
    pose: Net
    points: Points


def load(directory: Path, manifest: Manifest) -> Loaded:
    """Loads the pack's networks. Raises ManifestError naming the first that does not fit the manifest."""
    decoder = decoder_of(manifest)
    return Loaded(Net(directory, manifest.faces.network, decoder.outputs), decoder,
                  Net(directory, manifest.embedder.network, {THE_ONLY: (manifest.embedding_size,)}),
                  Net(directory, manifest.pose.network, OUTPUTS[manifest.pose.kind]),
                  points_of(directory, manifest.landmarks))


def _decode(graph: Graph, _manifest: Any, _directory: Any, _loaded: Any) -> Callable[..., Any]:
    return lambda source: Stream(source, graph.decode, graph.batch)


def _detect(graph: Graph, manifest: Manifest, _directory: Path, loaded: Loaded) -> Callable[..., Any]:
    return _finder(graph, manifest, loaded, map).find


def _finder(graph: Graph, manifest: Manifest, loaded: Loaded, each: Callable[..., Any]) -> FaceFinder:
    score = manifest.faces.score if graph.detect.face_score is None else graph.detect.face_score
    return FaceFinder(loaded.faces, manifest.faces._replace(score=score), loaded.decoder, each)


def _track(graph: Graph, manifest: Manifest, _directory: Path, loaded: Loaded) -> Callable[..., Any]:
    place = list(OUTPUTS[manifest.pose.kind]).index("presence")
    threshold = manifest.pose.presence if graph.detect.presence is None else graph.detect.presence

    def presence(rgb: np.ndarray, box: Box) -> float:
        side = POSE_MARGIN * max(box[2], box[3])
        crop = pixels.square_crop(rgb, box[0] + box[2] / 2, box[1] + box[3] / 2, side, loaded.pose.network.size)
        return float(loaded.pose.run(crop)[place][0])

    def people(ids: Iterator[int]) -> People:
        background = Background()
        return People(Blobs(background.find, background.absorb), presence, threshold, ids,
                      graph.track.overlap, graph.track.keep_s)

    return people


def _embed(_graph: Graph, manifest: Manifest, _directory: Path, loaded: Loaded) -> FaceReader:
    return FaceReader(TEMPLATES[manifest.embedder.template], manifest.embedder.network.size, loaded.points,
                      pixels.warp_chip, lambda chip: published(loaded.embedder.run(chip)[0], manifest.metric))


def _publish(_graph: Graph, _manifest: Any, _directory: Any, _loaded: Any) -> Callable[[np.ndarray], bytes]:
    return pixels.jpeg


def _still(graph: Graph, manifest: Manifest, directory: Path, loaded: Loaded) -> Callable[[bytes], Any]:
    each = ThreadPoolExecutor(STILL_THREADS).map
    finder = _finder(graph, manifest, loaded, each)
    reader = _embed(graph, manifest, directory, loaded)
    return StillReader(open_picture, finder.find, reader, manifest.id, manifest.faces.network.size, each).read


STAGES = {Decode: _decode, Detect: _detect, Track: _track, Embed: _embed, Publish: _publish, Still: _still}
