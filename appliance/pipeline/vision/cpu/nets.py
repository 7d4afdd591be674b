"""The pack's networks on ONNX Runtime. One thread each: cores are for cameras, and small nets get slower with two."""

from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
import onnxruntime

from appliance.pipeline.vision import blaze
from appliance.pipeline.vision.blaze import Region
from appliance.pipeline.vision.cpu import pixels
from appliance.pipeline.vision.faces import Found
from appliance.pipeline.vision.manifest import Detector, Manifest, Network


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
    """BlazeFace over regions of a picture."""

    def __init__(self, net: Net, detector: Detector) -> None:
        self._net = net
        self._detector = detector
        self._anchors = blaze.anchors(detector.network.size, detector.strides, detector.per)

    def find(self, rgb: np.ndarray, regions: Sequence[Region]) -> List[Found]:
        """Faces in pixels of `rgb`, best first; regions may overlap."""
        height, width = rgb.shape[:2]
        scores, rows = [], []
        for region in regions:
            some, where = self._look(rgb, region)
            whole = blaze.whole_in(where, region, width, height)
            scores.append(some[whole])
            rows.append(where[whole])
        if not sum(map(len, scores)):
            return []
        best, boxes = blaze.weighted_nms(np.concatenate(scores), np.concatenate(rows), self._detector.overlap)
        best, boxes = blaze.drop_contained(best, boxes)
        return [Found((float(x0), float(y0), float(x1 - x0), float(y1 - y0)), float(score))
                for score, (x0, y0, x1, y1) in zip(best, boxes[:, :4]) if x1 > x0 and y1 > y0]

    def _look(self, rgb: np.ndarray, region: Region):
        size = self._detector.network.size
        box = blaze.fit(region.x1 - region.x0, region.y1 - region.y0, size)
        part = rgb[region.y0:region.y1, region.x0:region.x1]
        regressors, logits = self._net.run(["regressors", "scores"], pixels.letterbox(part, box, size))
        scores, rows = blaze.decode(regressors, logits[:, 0], self._anchors, size, self._detector.score)
        return scores, blaze.to_picture(rows, box, region)


def load_nets(directory: Path, manifest: Manifest) -> Dict[str, Net]:
    """The three networks in use, by role: "faces", "embedder", "pose"."""
    return {"faces": Net(directory, manifest.faces.network), "embedder": Net(directory, manifest.embedder),
            "pose": Net(directory, manifest.pose)}
