"""The pack's networks on ONNX Runtime. One thread each: cores are for cameras, and small nets get slower with two."""

from pathlib import Path
from typing import Any, Callable, Iterable, List, Sequence, Tuple

import numpy as np
import onnxruntime

from vision.cpu import pixels
from vision.faces import blaze
from vision.faces.blaze import Letterbox, Region
from vision.faces.reader import Found
from vision.packs.manifest import Detector, Network


class Net:
    """One session; `run` may be called from several threads at once."""

    def __init__(self, directory: Path, network: Network) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self.network = network
        self._session = onnxruntime.InferenceSession(
            str(Path(directory) / network.file), options, providers=["CPUExecutionProvider"])

    def run(self, outputs: List[str], rgb: np.ndarray) -> List[np.ndarray]:
        """`rgb` (size, size, 3) uint8; each output without its batch axis."""
        return [value[0] for value in self._session.run(outputs, {"input": pixels.tensor(rgb, self.network)})]


class FaceFinder:
    """BlazeFace over regions of a picture. `each(function, items)` maps them: `map`, or a thread pool's map."""

    def __init__(self, net: Net, detector: Detector, each: Callable[..., Iterable[Any]] = map) -> None:
        self._net = net
        self._detector = detector
        self._each = each
        self._anchors = blaze.anchors(detector.network.size, detector.strides, detector.per)

    def find(self, rgb: np.ndarray, regions: Sequence[Region]) -> List[Found]:
        """Faces in pixels of `rgb`, best first; regions may overlap."""
        if not regions:
            return []
        size = self._detector.network.size
        boxes = [blaze.fit(region.x1 - region.x0, region.y1 - region.y0, size) for region in regions]
        halves = pixels.halves(rgb, min(box.scale for box in boxes))
        looks = self._each(lambda pair: self._look(halves, *pair), list(zip(regions, boxes)))
        scores, rows = zip(*looks)
        if not sum(map(len, scores)):
            return []
        best, merged = blaze.weighted_nms(np.concatenate(scores), np.concatenate(rows), self._detector.overlap)
        best, merged = blaze.drop_contained(best, merged)
        return [Found((float(x0), float(y0), float(x1 - x0), float(y1 - y0)), float(score))
                for score, (x0, y0, x1, y1) in zip(best, merged[:, :4]) if x1 > x0 and y1 > y0]

    def _look(self, halves: List[np.ndarray], region: Region, box: Letterbox) -> Tuple[np.ndarray, np.ndarray]:
        """What is whole inside one region: scores, and rows in pixels of the picture."""
        size = self._detector.network.size
        level = min(pixels.halvings(box.scale), len(halves) - 1)
        part = halves[level][region.y0 >> level:region.y1 >> level, region.x0 >> level:region.x1 >> level]
        regressors, logits = self._net.run(["regressors", "scores"], pixels.letterbox(part, box, size))
        scores, rows = blaze.decode(regressors, logits[:, 0], self._anchors, size, self._detector.score)
        rows = blaze.to_picture(rows, box, region)
        keep = blaze.whole_in(rows, region, halves[0].shape[1], halves[0].shape[0])
        return scores[keep], rows[keep]
