"""A model pack shaped like YuNet + SFace whose small networks really look at the picture.

The detector finds a face of 96 x 128 px where a cell of stride 32 is blue, and puts five landmarks on it. The six
values of the embedder are the mean colours of the left and the right half of the chip.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE, CHIP, POSE = 320, 112, 64
BOX = (96.0, 80.0, 96.0, 128.0)
"""x, y, width, height of the face that the blue square of `picture` makes."""
LANDMARKS = ((120.0, 130.0), (168.0, 130.0), (144.0, 155.0), (125.0, 180.0), (163.0, 180.0))


def write_pack(directory: Path, **changes: Any) -> Path:
    """Writes the pack; `changes` go into the manifest ("faces.score" is written faces__score). Gives the directory."""
    directory.mkdir(parents=True)
    for name, data in (("faces.onnx", detector()), ("embedder.onnx", embedder()), ("pose.onnx", pose())):
        (directory / name).write_bytes(data)
    plain = {"mean": [0, 0, 0], "scale": 1.0}
    pack: dict[str, Any] = {
        "id": "tiny-1",
        "faces": {"kind": "yunet", "network": {"file": "faces.onnx", "size": SIZE, "colours": "bgr", **plain},
                  "strides": [8, 16, 32], "per": [1, 1, 1], "score": 0.6, "overlap": 0.3, "sure": 0.8},
        "landmarks": {"kind": "detector"},
        "embedder": {"network": {"file": "embedder.onnx", "size": CHIP, "colours": "rgb", **plain},
                     "template": "arcface5"},
        "embedding_size": 6, "metric": "cosine",
        "thresholds": {"known": 0.05, "review": 0.1, "verify": 0.08, "margin": 0.001, "min_width": 24},
        "pose": {"kind": "blazepose", "network": {"file": "pose.onnx", "size": POSE, "colours": "rgb", **plain},
                 "presence": 0.5},
        "files": {}}
    for path, value in changes.items():
        *sections, key = path.split("__")
        place = pack
        for section in sections:
            place = place[section]
        place[key] = value
    write_manifest(directory, pack)
    return directory


def write_manifest(directory: Path, pack: dict[str, Any]) -> None:
    """Writes the manifest with the checksums of the files that are there."""
    pack["files"] = {path.name: {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size,
        "licence": "CC0-1.0", "source": "made by a test"} for path in directory.glob("*.onnx")}
    (directory / "manifest.json").write_text(json.dumps({"format": 2, "pack": pack}))


def read_manifest(directory: Path) -> dict[str, Any]:
    """Gives the pack's part of a manifest, to be changed and written again."""
    pack: dict[str, Any] = json.loads((directory / "manifest.json").read_text())["pack"]
    return pack


def picture(left: tuple[int, int, int], right: tuple[int, int, int], light: float = 1.0) -> np.ndarray:
    """Gives an RGB picture with one face, whose left and right sides have these colours."""
    rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
    rgb[80:208, 96:144], rgb[80:208, 144:192] = left, right
    rgb[128:160, 128:160] = (0, 0, 255)
    return (rgb * light).astype(np.uint8)


def detector(size: int = SIZE, **shapes: list[int]) -> bytes:
    """YuNet's inputs and outputs. `shapes`: other shapes for some outputs."""
    graph = _Graph()
    for stride in (8, 16, 32):
        cells = size // stride
        weights = np.zeros((1, 3, stride, stride), "<f4")
        if stride == 32:
            weights[0, 0] = 1 / (255 * stride * stride)
        blue = graph.node("Conv", "input", graph.constant(weights), strides=[stride, stride])
        # The face is centred in the cell of the blue square, at (144, 144).
        face = np.array([0.5, 0.5, np.log(BOX[2] / stride), np.log(BOX[3] / stride)])
        points = (np.array(LANDMARKS) - 4 * 32) / stride
        for name, value in (("cls", None), ("obj", None), ("bbox", face), ("kps", points.ravel())):
            shape = shapes.get(f"{name}_{stride}", [1, cells * cells, 1 if value is None else len(value)])
            if value is None:
                graph.output(f"{name}_{stride}", shape, "Reshape", blue, graph.constant(np.array(shape)))
            else:
                rows = np.resize(value.astype("<f4"), shape)
                graph.output(f"{name}_{stride}", shape, "Identity", graph.constant(rows))
    return graph.model("input", [1, 3, size, size])


def embedder() -> bytes:
    """SFace's input and output, with six values."""
    graph = _Graph()
    halves = graph.node("AveragePool", "data", kernel_shape=[CHIP, CHIP // 2], strides=[CHIP, CHIP // 2])
    graph.output("fc1", [1, 6], "Flatten", halves)
    return graph.model("data", [1, 3, CHIP, CHIP])


def pose() -> bytes:
    """BlazePose's outputs; nobody is ever a person."""
    graph = _Graph()
    graph.output("landmarks", [1, 195], "Identity", graph.constant(np.zeros((1, 195), "<f4")))
    graph.output("presence", [1, 1], "Identity", graph.constant(np.zeros((1, 1), "<f4")))
    return graph.model("input", [1, 3, POSE, POSE])


class _Graph:
    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def constant(self, values: np.ndarray) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), f"c{len(self._constants)}"))
        return self._constants[-1].name

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def output(self, name: str, shape: list[int], kind: str, *inputs: str) -> None:
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self.node(kind, *inputs, name=name)

    def model(self, name: str, shape: list[int]) -> bytes:
        graph = helper.make_graph(self._nodes, "tiny", [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
                                  self._outputs, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        data: bytes = model.SerializeToString()
        return data
