"""A small builder of ONNX graphs: opset 11 and IR 6, which TensorRT 8.2 and newer runtimes all read."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 11
IR_VERSION = 6


class GraphBuilder:
    """Collects nodes and constants; `model` turns what the outputs need into checked ONNX bytes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: np.ndarray) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{len(self._nodes)}", **attributes))
        return output

    def model(self, input_shape: list[int], outputs: dict[str, tuple[str, list[int]]]) -> bytes:
        """Return the checked model's bytes; `input_shape` and each output shape without the batch; outputs: name ->
        (value, shape).
        """
        for name, (value, _) in outputs.items():
            self._rename(value, name)
        needed, nodes = set(outputs), []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(node.input)
        graph = helper.make_graph(
            nodes[::-1], self._name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *input_shape])],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", *s]) for n, (_, s) in outputs.items()],
            [constant for constant in self._constants if constant.name in needed])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())

    def _rename(self, old: str, new: str) -> None:
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]
