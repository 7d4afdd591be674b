"""TFLite -> ONNX for the three MediaPipe networks of the pack, without TensorFlow.

Maps change from NHWC to NCHW. A RESHAPE of a map goes back to NHWC first, because the flat order of the
outputs (the anchors) is defined there; what follows such a reshape is "flat" and keeps its axes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tflite
from tflite import ActivationFunctionType as Activation
from tflite import BuiltinOperator as Operator

from vision.packs.build.onnx_graph import GraphBuilder
from vision.packs.build.tflite_tensors import constants, tensor_shape


class UnsupportedTflite(ValueError):
    """The file uses an operator or option that this converter does not know."""


class _Value(NamedTuple):
    name: str
    flat: bool = False


class _Step(NamedTuple):
    """One operator: its code, tensor indices and the flatbuffer table of its options."""

    code: int
    inputs: list[int]
    output: int
    options: Any

    def read(self, kind: Callable[[], Any]) -> Any:
        """Return the options as the operator's own flatbuffer class."""
        options = kind()
        options.Init(self.options.Bytes, self.options.Pos)
        return options


def convert_tflite(data: bytes, outputs: dict[str, str]) -> bytes:
    """Serialised ONNX with dynamic batch. `outputs`: name in the file -> name to give; others are dropped.

    Raises UnsupportedTflite when the file needs something unknown.
    """
    return _Converter(data).convert(outputs)


class _Converter:
    def __init__(self, data: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(data, 0)
        self._source = self._model.Subgraphs(0)
        self._constants = constants(self._model, self._source)
        self._values: dict[int, _Value] = {}
        self._pads: dict[int, tuple[int, np.ndarray]] = {}
        self._graph = GraphBuilder("tflite")
        self._handlers = {
            Operator.DEQUANTIZE: self._constant, Operator.DENSIFY: self._constant, Operator.PAD: self._pad,
            Operator.CONV_2D: self._convolution, Operator.DEPTHWISE_CONV_2D: self._convolution,
            Operator.ADD: self._add, Operator.MAX_POOL_2D: self._max_pool, Operator.LOGISTIC: self._logistic,
            Operator.RESIZE_BILINEAR: self._resize, Operator.DEPTH_TO_SPACE: self._depth_to_space,
            Operator.RESHAPE: self._reshape, Operator.CONCATENATION: self._concatenation,
        }

    def convert(self, outputs: dict[str, str]) -> bytes:
        source_input = int(self._source.Inputs(0))
        self._values[source_input] = _Value("input")
        for step in self._steps():
            if step.code not in self._handlers:
                raise UnsupportedTflite(f"operator {step.code} of the TFLite schema is not supported")
            self._handlers[step.code](step)
        named = {self._source.Tensors(int(i)).Name().decode(): int(i) for i in self._source.OutputsAsNumpy()}
        missing = sorted(set(outputs) - set(named))
        if missing:
            raise UnsupportedTflite(f"no output named {', '.join(missing)}; the file has {', '.join(sorted(named))}")
        kept = {new: self._output(named[old]) for old, new in outputs.items()}
        _, rows, columns, channels = self._shape(source_input)
        return self._graph.model([channels, rows, columns], kept)

    def _steps(self) -> Iterator[_Step]:
        codes = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
                 for code in map(self._model.OperatorCodes, range(self._model.OperatorCodesLength()))]
        for index in range(self._source.OperatorsLength()):
            operator = self._source.Operators(index)
            yield _Step(codes[operator.OpcodeIndex()], [int(i) for i in operator.InputsAsNumpy()],
                        int(operator.Outputs(0)), operator.BuiltinOptions())

    def _shape(self, tensor: int) -> list[int]:
        return tensor_shape(self._source.Tensors(tensor))

    def _output(self, tensor: int) -> tuple[str, list[int]]:
        value, shape = self._values[tensor], self._shape(tensor)
        if value.flat or len(shape) != 4:
            return value.name, shape[1:]
        if shape[1] == shape[2] == 1:
            target = self._graph.constant(np.array([0, shape[3]], np.int64))
            return self._graph.node("Reshape", [value.name, target]), [shape[3]]
        return value.name, [shape[3], shape[1], shape[2]]

    def _set(self, step: _Step, name: str, activation: int = Activation.NONE, flat: bool = False) -> None:
        if activation == Activation.RELU:
            name = self._graph.node("Relu", [name])
        elif activation == Activation.RELU6:
            bounds = [self._graph.constant(np.array(bound, np.float32)) for bound in (0, 6)]
            name = self._graph.node("Clip", [name, *bounds])
        elif activation != Activation.NONE:
            raise UnsupportedTflite(f"fused activation {activation} is not supported")
        self._values[step.output] = _Value(name, flat)

    def _name(self, tensor: int) -> str:
        """Return the value in the graph; a zero padding of channels that nothing has folded becomes a convolution."""
        if tensor not in self._values and tensor in self._pads:
            source, pads = self._pads[tensor]
            if pads[:3].any():
                raise UnsupportedTflite("a PAD of rows or columns is not followed by a convolution")
            channels = self._shape(source)[3]
            weights = np.zeros((channels + int(pads[3].sum()), channels, 1, 1), np.float32)
            weights[np.arange(channels) + pads[3, 0], np.arange(channels)] = 1
            self._values[tensor] = _Value(
                self._graph.node("Conv", [self._name(source), self._graph.constant(weights)], kernel_shape=[1, 1]))
        return self._values[tensor].name

    def _constant(self, step: _Step) -> None:
        values = self._constants[step.inputs[0]]
        self._constants[step.output] = values.astype(np.float32) if step.code == Operator.DEQUANTIZE else values

    def _pad(self, step: _Step) -> None:
        self._pads[step.output] = (step.inputs[0], self._constants[step.inputs[1]].reshape(-1, 2))

    def _convolution(self, step: _Step) -> None:
        depthwise = step.code == Operator.DEPTHWISE_CONV_2D
        options = step.read(tflite.DepthwiseConv2DOptions if depthwise else tflite.Conv2DOptions)
        weights = self._constants[step.inputs[1]].astype(np.float32)
        weights = weights.transpose(3, 0, 1, 2) if depthwise else weights.transpose(0, 3, 1, 2)
        rows, columns = weights.shape[2:]
        strides = [options.StrideH(), options.StrideW()]
        dilations = [options.DilationHFactor(), options.DilationWFactor()]
        source = step.inputs[0]
        pads = self._same(source, [rows, columns], strides, dilations, options.Padding())
        if source in self._pads and source not in self._values and not self._pads[source][1][[0, 3]].any():
            source, extra = self._pads[source]
            pads = [a + int(b) for a, b in zip(pads, extra[1:3].T.reshape(-1), strict=True)]
        name = self._graph.node(
            "Conv", [self._name(source), self._graph.constant(weights),
                     self._graph.constant(self._constants[step.inputs[2]].astype(np.float32))],
            kernel_shape=[rows, columns], strides=strides, dilations=dilations, pads=pads,
            group=weights.shape[0] if depthwise else 1)
        self._set(step, name, options.FusedActivationFunction())

    def _same(self, tensor: int, kernel: list[int], strides: list[int], dilations: list[int],
              padding: int) -> list[int]:
        """[top, left, bottom, right]; SAME is asymmetric for stride 2, with the smaller half first."""
        if padding != tflite.Padding.SAME:
            return [0, 0, 0, 0]
        begins, ends = [], []
        for size, k, stride, dilation in zip(self._shape(tensor)[1:3], kernel, strides, dilations, strict=True):
            total = max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0)
            begins.append(total // 2)
            ends.append(total - total // 2)
        return begins + ends

    def _add(self, step: _Step) -> None:
        name = self._graph.node("Add", [self._name(tensor) for tensor in step.inputs])
        self._set(step, name, step.read(tflite.AddOptions).FusedActivationFunction())

    def _max_pool(self, step: _Step) -> None:
        options = step.read(tflite.Pool2DOptions)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        pads = self._same(step.inputs[0], kernel, strides, [1, 1], options.Padding())
        name = self._graph.node("MaxPool", [self._name(step.inputs[0])], kernel_shape=kernel, strides=strides,
                                pads=pads)
        self._set(step, name, options.FusedActivationFunction())

    def _logistic(self, step: _Step) -> None:
        flat = self._values[step.inputs[0]].flat
        self._set(step, self._graph.node("Sigmoid", [self._name(step.inputs[0])]), flat=flat)

    def _resize(self, step: _Step) -> None:
        options = step.read(tflite.ResizeBilinearOptions)
        if options.AlignCorners() or not options.HalfPixelCenters():
            raise UnsupportedTflite("RESIZE_BILINEAR without half-pixel centres is not supported")
        before, after = self._shape(step.inputs[0]), self._shape(step.output)
        scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
        no_region = np.zeros(0, np.float32)
        inputs = [self._name(step.inputs[0]), self._graph.constant(no_region), self._graph.constant(scales)]
        self._set(step, self._graph.node("Resize", inputs, mode="linear", coordinate_transformation_mode="half_pixel"))

    def _depth_to_space(self, step: _Step) -> None:
        size = step.read(tflite.DepthToSpaceOptions).BlockSize()
        self._set(step, self._graph.node("DepthToSpace", [self._name(step.inputs[0])], blocksize=size, mode="DCR"))

    def _reshape(self, step: _Step) -> None:
        source, before = self._name(step.inputs[0]), self._shape(step.inputs[0])
        if not self._values[step.inputs[0]].flat and len(before) == 4:
            source = self._graph.node("Transpose", [source], perm=[0, 2, 3, 1])
        target = self._graph.constant(np.array([0, *self._shape(step.output)[1:]], np.int64))
        self._set(step, self._graph.node("Reshape", [source, target]), flat=True)

    def _concatenation(self, step: _Step) -> None:
        if not all(self._values[tensor].flat for tensor in step.inputs):
            raise UnsupportedTflite("CONCATENATION of maps is not supported")
        axis = step.read(tflite.ConcatenationOptions).Axis() % len(self._shape(step.output))
        names = [self._name(tensor) for tensor in step.inputs]
        self._set(step, self._graph.node("Concat", names, axis=axis), flat=True)
