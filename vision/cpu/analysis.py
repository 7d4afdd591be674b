"""The CPU backend's analysis: the networks of a pack on ONNX Runtime, and an observer for each camera."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from vision.analysis import Analysis
from vision.boxes import Box
from vision.cpu import pixels
from vision.cpu.background import Background
from vision.cpu.nets import THE_ONLY, FaceFinder, Net
from vision.cpu.observer import Observer
from vision.cpu.uploads import open_upload
from vision.faces.chip import TEMPLATES
from vision.faces.detectors import decoder_of
from vision.faces.metric import published
from vision.faces.points import points_of
from vision.faces.reader import FaceReader
from vision.faces.still import StillReader
from vision.faces.trails import FaceTrails
from vision.graph import Graph
from vision.packs.manifest import Manifest
from vision.people.blobs import Blobs, People
from vision.people.describer import Describer
from vision.people.poses import OUTPUTS
from vision.shot import Shot
from vision.sight import Sight, StillSight
from vision.tracker import Tracker

STILL_THREADS = 2
"""A still image is somebody waiting: its tiles and faces use two cores, cameras use one each."""
POSE_MARGIN = 1.25


class CpuAnalysis(Analysis):
    """The networks of a pack, shared by all cameras and the still path, and an Observer for each camera.

    find(rgb, regions) -> faces; reader: a FaceReader.
    """

    def __init__(self, graph: Graph, directory: Path, manifest: Manifest) -> None:
        """Raises ManifestError naming the first network that does not fit the manifest."""
        self.manifest = manifest
        self._graph = graph
        self._ids = itertools.count(1)
        self._observers: Dict[str, Observer] = {}
        decoder = decoder_of(manifest)
        faces = Net(directory, manifest.faces.network, decoder.outputs)
        embedder = Net(directory, manifest.embedder.network, {THE_ONLY: (manifest.embedding_size,)})
        self._pose = Net(directory, manifest.pose.network, OUTPUTS[manifest.pose.kind])
        self.reader = FaceReader(TEMPLATES[manifest.embedder.template], manifest.embedder.network.size,
                                 points_of(directory, manifest.landmarks), pixels.warp_chip,
                                 lambda chip: published(embedder.run(chip)[0], manifest.metric))
        detector = manifest.faces._replace(score=_or_else(graph.detect.face_score, manifest.faces.score))
        self.find = FaceFinder(faces, detector, decoder).find
        each = ThreadPoolExecutor(STILL_THREADS).map
        self._stills = StillReader(open_upload, FaceFinder(faces, detector, decoder, each).find, self.reader,
                                   detector.network.size, each)

    def analyse(self, shots: Sequence[Shot]) -> List[Sight]:
        return [self._observe(shot) for shot in shots]

    def still(self, data: bytes) -> StillSight:
        return self._stills.read(data)

    def _observe(self, shot: Shot) -> Sight:
        observer = self._observers.get(shot.camera)
        if observer is None:
            observer = self._observers[shot.camera] = self._new_observer()
        try:
            return observer.observe(shot)
        except Exception:
            del self._observers[shot.camera]
            raise

    def _new_observer(self) -> Observer:
        graph, pack, track, background = self._graph, self.manifest, self._graph.track, Background()
        people = People(Blobs(background.find, background.absorb), self._presence,
                        _or_else(graph.detect.presence, pack.pose.presence), self._ids, track.overlap, track.keep_s)
        faces = FaceTrails(Tracker(self._ids, track.overlap, track.keep_s), track.keep_s, pack.faces.sure)
        describer = Describer(self.reader, graph.embed, _or_else(graph.embed.min_width, pack.thresholds.min_width))
        return Observer(self.find, pack.faces.network.size, people, faces, describer)

    def _presence(self, rgb: np.ndarray, box: Box) -> float:
        side = POSE_MARGIN * max(box[2], box[3])
        crop = pixels.square_crop(rgb, box[0] + box[2] / 2, box[1] + box[3] / 2, side, self._pose.network.size)
        return float(self._pose.run(crop)[list(OUTPUTS[self.manifest.pose.kind]).index("presence")][0])


def _or_else(wanted: Optional[float], packs: float) -> float:
    """Return the graph's own threshold, or the pack's where the graph has none."""
    return packs if wanted is None else wanted
