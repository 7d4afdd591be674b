"""dlib's face recognition ResNet (`dlib_face_recognition_resnet_model_v1.dat`) as an ONNX file.

The graph takes (x - mean) / 256 of an RGB chip, shape (N, 3, 150, 150), and gives (N, 128). Affine layers
are folded into the convolutions; missing channels of a shortcut are added by an identity convolution and
missing rows by Pad, so that TensorRT reads it too.
"""

from typing import Any, NamedTuple

import numpy as np

from vision.packs.build.dlib_format import DlibFormatError, Layer, Reader, read_layers
from vision.packs.build.onnx_graph import GraphBuilder

CHIP_SIZE = 150
EMBEDDING_SIZE = 128

_PLAIN = "LL" + "LLLLLT"
_DOWN = "LLLST" + "LLLLLT"
_ORDER = ("LL" + _DOWN + 2 * _PLAIN + _DOWN + 2 * _PLAIN + _DOWN + 3 * _PLAIN + _DOWN + 3 * _PLAIN + "LLLL")


class Embedder(NamedTuple):
    """The converted network: serialised ONNX and the mean (R, G, B) to subtract before dividing by 256."""

    onnx: bytes
    mean: list[float]


class _Feature(NamedTuple):
    name: str
    shape: tuple[int, int, int]


def convert_embedder(data: bytes) -> Embedder:
    """Raises DlibFormatError when the bytes are not this network."""
    reader = Reader(data)
    reader.integer()
    loss = reader.text()
    if loss != "loss_metric_2":
        raise DlibFormatError(f"the network ends in {loss!r}; expected 'loss_metric_2'")
    reader.real(), reader.real()
    mean, layers = read_layers(reader, _ORDER)
    reader.expect_end()
    graph = GraphBuilder("dlib_resnet29")
    last = _walk(graph, layers)
    return Embedder(graph.model([3, CHIP_SIZE, CHIP_SIZE], {"embedding": (last, [EMBEDDING_SIZE])}), mean)


def _walk(graph: GraphBuilder, layers: list[Layer]) -> str:
    """Adds the layers in forward order.

    Every block starts with a tag on its input. A block that halves the picture has a second tag at the end of
    its convolutions, directly before the skip back to its input for the shortcut.
    """
    current = _Feature("input", (3, CHIP_SIZE, CHIP_SIZE))
    block_input = other = current
    for index, (kind, values) in enumerate(layers):
        following = layers[index + 1] if index + 1 < len(layers) else Layer("end", {})
        if kind == "con_4":
            current = _convolution(graph, current, values, following)
        elif kind == "relu_":
            current = _Feature(graph.node("Relu", [current.name]), current.shape)
        elif kind in ("max_pool_2", "avg_pool_2"):
            current = _pool(graph, current, kind, values)
        elif kind == "tag" and following.kind != "skip":
            block_input = other = current
        elif kind == "tag":
            other = current
        elif kind == "skip":
            current = block_input
        elif kind.startswith("add_prev"):
            current = _add(graph, current, other)
        elif kind == "fc_2":
            weights = values["params"].reshape(values["inputs"], values["outputs"])
            flat = graph.node("Flatten", [current.name], axis=1)
            return graph.node("MatMul", [flat, graph.constant(weights)])
    raise DlibFormatError("the network has no fully connected layer at its end")


def _convolution(graph: GraphBuilder, source: _Feature, values: dict[str, Any], affine: Layer) -> _Feature:
    if affine.kind != "affine_":
        raise DlibFormatError(f"a convolution is followed by {affine.kind!r}; expected 'affine_'")
    shape = values["filters"]
    outputs, size = shape[0], int(np.prod(shape))
    params = values["params"].reshape(-1)
    weights, biases = params[:size].reshape(shape), params[size:]
    gamma, beta = affine.values["params"].reshape(2, outputs).astype(np.float64)
    name = graph.node(
        "Conv",
        [source.name, graph.constant((weights * gamma[:, None, None, None]).astype(np.float32)),
         graph.constant((biases * gamma + beta).astype(np.float32))],
        kernel_shape=list(shape[2:]), **_window(values))
    return _Feature(name, (outputs, *_window_output(source.shape, shape[2], shape[3], values)))


def _pool(graph: GraphBuilder, source: _Feature, kind: str, values: dict[str, Any]) -> _Feature:
    rows, columns = values["rows"], values["cols"]
    if rows == 0:
        return _Feature(graph.node("GlobalAveragePool", [source.name]), (source.shape[0], 1, 1))
    operator = "MaxPool" if kind == "max_pool_2" else "AveragePool"
    name = graph.node(operator, [source.name], kernel_shape=[rows, columns], **_window(values))
    return _Feature(name, (source.shape[0], *_window_output(source.shape, rows, columns, values)))


def _window(values: dict[str, Any]) -> dict[str, Any]:
    return {"strides": [values["stride_y"], values["stride_x"]],
            "pads": [values["pad_y"], values["pad_x"], values["pad_y"], values["pad_x"]]}


def _window_output(shape: tuple[int, int, int], rows: int, columns: int, values: dict[str, Any]) -> tuple[int, int]:
    return ((shape[1] + 2 * values["pad_y"] - rows) // values["stride_y"] + 1,
            (shape[2] + 2 * values["pad_x"] - columns) // values["stride_x"] + 1)


def _add(graph: GraphBuilder, one: _Feature, two: _Feature) -> _Feature:
    """dlib adds operands of different shape by treating what is missing as zero."""
    channels, rows, columns = map(max, one.shape, two.shape)
    shape = (channels, rows, columns)
    return _Feature(graph.node("Add", [_grow(graph, one, shape), _grow(graph, two, shape)]), shape)


def _grow(graph: GraphBuilder, feature: _Feature, shape: tuple[int, ...]) -> str:
    name, (channels, rows, columns) = feature.name, feature.shape
    if channels < shape[0]:
        identity = np.eye(shape[0], channels, dtype=np.float32)[:, :, None, None]
        name = graph.node("Conv", [name, graph.constant(identity)], kernel_shape=[1, 1])
    if (rows, columns) != shape[1:]:
        pads = np.array([0, 0, 0, 0, 0, 0, shape[1] - rows, shape[2] - columns], np.int64)
        name = graph.node("Pad", [name, graph.constant(pads)], mode="constant")
    return name
