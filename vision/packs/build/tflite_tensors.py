"""Constants of a TFLite file as numpy arrays, also those stored sparsely."""

from typing import Any

import numpy as np
import tflite

_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32, tflite.TensorType.INT64: np.int64,
    tflite.TensorType.INT8: np.int8, tflite.TensorType.UINT8: np.uint8,
}
Level = int | tuple[np.ndarray, np.ndarray]
"""The size of a dense level, or the (segments, indices) of a compressed one."""
_INDEX_VECTORS = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}


def tensor_shape(tensor: tflite.Tensor) -> list[int]:
    return [int(size) for size in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []


def constants(model: tflite.Model, graph: tflite.SubGraph) -> dict[int, np.ndarray]:
    """Tensor index -> values, for every tensor that has them in the file."""
    found = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        buffer = model.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            continue
        values = np.frombuffer(buffer.DataAsNumpy().tobytes(), _DTYPES[tensor.Type()])
        sparsity = tensor.Sparsity()
        shape = tensor_shape(tensor)
        found[index] = values.reshape(shape) if sparsity is None else densify(values, shape, *_levels(sparsity))
    return found


def densify(values: np.ndarray, shape: list[int], order: list[int], block_map: list[int],
            levels: list[Level]) -> np.ndarray:
    """Return the full array of a sparse tensor in TFLite's (TACO's) layout.

    `order` lists the dimensions and then the block dimensions as they are nested; each entry of `levels` is
    the size of a dense level or the pair (segments, indices) of a compressed one; `block_map` names the
    dimension that each block dimension divides.
    """
    dimensions = len(shape)
    block_sizes: dict[int, int] = {}
    for dimension, size in zip(block_map, levels[dimensions:], strict=True):
        if not isinstance(size, int):
            raise ValueError(f"the blocks of dimension {dimension} are not dense")
        block_sizes[dimension] = size
    positions = np.zeros((1, 0), np.int64)
    places = np.zeros(1, np.int64)
    for level in levels:
        if isinstance(level, int):
            steps = np.tile(np.arange(level), len(places))
            positions = np.column_stack([np.repeat(positions, level, axis=0), steps])
            places = np.repeat(places * level, level) + steps
        else:
            segments, indices = level
            counts = segments[places + 1] - segments[places]
            starts = np.repeat(segments[places] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
            entries = starts + np.arange(counts.sum())
            positions = np.column_stack([np.repeat(positions, counts, axis=0), indices[entries]])
            places = entries
    coordinates = np.zeros((len(places), dimensions), np.int64)
    for position, dimension in enumerate(order):
        if dimension < dimensions:
            coordinates[:, dimension] += positions[:, position] * block_sizes.get(dimension, 1)
        else:
            coordinates[:, block_map[dimension - dimensions]] += positions[:, position]
    full = np.zeros(shape, values.dtype)
    full[tuple(coordinates.T)] = values[places]
    return full


def _levels(sparsity: tflite.SparsityParameters) -> tuple[list[int], list[int], list[Level]]:
    levels: list[Level] = []
    for index in range(sparsity.DimMetadataLength()):
        level = sparsity.DimMetadata(index)
        if level.Format() == tflite.DimensionType.DENSE:
            levels.append(int(level.DenseSize()))
        else:
            levels.append((_index_vector(level.ArraySegmentsType(), level.ArraySegments()),
                           _index_vector(level.ArrayIndicesType(), level.ArrayIndices())))
    order = [int(sparsity.TraversalOrder(i)) for i in range(sparsity.TraversalOrderLength())]
    block_map = [int(sparsity.BlockMap(i)) for i in range(sparsity.BlockMapLength())]
    return order, block_map, levels


def _index_vector(kind: int, table: Any) -> np.ndarray:
    vector = _INDEX_VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)
