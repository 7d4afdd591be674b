"""The pack's networks on ONNX Runtime. One thread each: cores are for cameras, and small nets get slower with two."""

from pathlib import Path
from typing import Any, Callable, Iterable, List, Mapping, Sequence, Tuple

import numpy as np
import onnxruntime

from vision.cpu import pixels
from vision.faces import blaze
from vision.faces.blaze import Letterbox, Region
from vision.faces.detectors import Decoder
from vision.faces.reader import Found
from vision.packs.fields import ManifestError
from vision.packs.manifest import Detector, Network

THE_ONLY = ""
"""Stands for the name of an output where a network has one."""


class Net:
    """One session; `run` may be called from several threads at once."""

    def __init__(self, directory: Path, network: Network, outputs: Mapping[str, Tuple[int, ...]]) -> None:
        """Loads the network and runs it once on a made picture.

        outputs: names and shapes (without the batch) that it must give. Raises ManifestError saying what does not fit.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self.network = network
        try:
            self._session = onnxruntime.InferenceSession(
                str(Path(directory) / network.file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own have no common base.
            raise ManifestError(f"{network.file} is no network that can be loaded: {_line(error)}") from error
        self._input = _only(network.file, "input", [each.name for each in self._session.get_inputs()])
        self._outputs = self._names(outputs)
        self._try(outputs)

    def run(self, rgb: np.ndarray) -> List[np.ndarray]:
        """Runs the network on `rgb` (size, size, 3) uint8; gives each output without its batch axis."""
        return [value[0] for value in self._session.run(self._outputs, {self._input: pixels.tensor(rgb, self.network)})]

    def _names(self, outputs: Mapping[str, Tuple[int, ...]]) -> List[str]:
        given = [each.name for each in self._session.get_outputs()]
        if list(outputs) == [THE_ONLY]:
            return [_only(self.network.file, "output", given)]
        missing = [name for name in outputs if name not in given]
        if missing:
            raise ManifestError(f"{self.network.file} has no output {missing[0]!r}; it has {', '.join(given)}")
        return list(outputs)

    def _try(self, outputs: Mapping[str, Tuple[int, ...]]) -> None:
        size = self.network.size
        ramp = np.linspace(0, 255, size).astype(np.uint8)
        try:
            values = self.run(np.stack([np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size)),
                                        np.full((size, size), 127, np.uint8)], 2))
        except Exception as error:
            raise ManifestError(f"{self.network.file} does not take an input of shape (1, 3, {size}, {size}): "
                                f"{_line(error)}") from error
        for name, value, wanted in zip(self._outputs, values, outputs.values()):
            if value.shape != wanted:
                raise ManifestError(f"{self.network.file}: output {name!r} has shape {value.shape} without the batch; "
                                    f"{wanted} is needed")
            if not np.isfinite(value).all():
                raise ManifestError(f"{self.network.file}: output {name!r} is not finite on a plain picture")


class FaceFinder:
    """Finds faces in regions of a picture. `each(function, items)` maps them: `map`, or a thread pool's map."""

    def __init__(self, net: Net, detector: Detector, decoder: Decoder,
                 each: Callable[..., Iterable[Any]] = map) -> None:
        self._net = net
        self._detector = detector
        self._decoder = decoder
        self._each = each

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
        return [self._found(score, row) for score, row in zip(best, merged) if row[2] > row[0] and row[3] > row[1]]

    def _found(self, score: float, row: np.ndarray) -> Found:
        x0, y0, x1, y1 = (float(value) for value in row[:4])
        landmarks = row[4:14].reshape(5, 2).astype(np.float64) if self._decoder.landmarks else None
        return Found((x0, y0, x1 - x0, y1 - y0), float(score), landmarks)

    def _look(self, halves: List[np.ndarray], region: Region, box: Letterbox) -> Tuple[np.ndarray, np.ndarray]:
        """Return what is whole inside one region: scores, and rows in pixels of the picture."""
        size = self._detector.network.size
        level = min(pixels.halvings(box.scale), len(halves) - 1)
        part = halves[level][region.y0 >> level:region.y1 >> level, region.x0 >> level:region.x1 >> level]
        scores, rows = self._decoder.decode(self._net.run(pixels.letterbox(part, box, size)), self._detector.score)
        rows = blaze.to_picture(rows, box, region)
        keep = blaze.whole_in(rows, region, halves[0].shape[1], halves[0].shape[0])
        return scores[keep], rows[keep]


def _only(file: str, what: str, names: List[str]) -> str:
    if len(names) != 1:
        raise ManifestError(f"{file} has {len(names)} {what}s ({', '.join(names)}); one is needed")
    return names[0]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
