"""Reader for dlib's portable serialisation: numbers, tensors and the layers of the face embedder."""

import math
from typing import Any, NamedTuple

import numpy as np

_SPECIAL = {32000: math.inf, 32001: -math.inf, 32002: math.nan}
_POOL_FIELDS = ("rows", "cols", "stride_y", "stride_x", "pad_y", "pad_x")


class DlibFormatError(ValueError):
    """The bytes are not what dlib writes for this kind of object."""


class Reader:
    """Reads values one after another from the bytes of a `.dat` file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def integer(self) -> int:
        control = self._take(1)[0]
        value = int.from_bytes(self._take(control & 0x0F), "little")
        return -value if control & 0x80 else value

    def real(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        return _SPECIAL[exponent] if exponent in _SPECIAL else math.ldexp(mantissa, exponent)

    def boolean(self) -> bool:
        character = self._take(1)
        if character not in (b"0", b"1"):
            raise DlibFormatError(f"a bool at byte {self.offset - 1} is {character!r}; expected b'0' or b'1'")
        return character == b"1"

    def text(self) -> str:
        return self._take(self.integer()).decode("latin1")

    def tensor(self) -> np.ndarray:
        """Read a float32 array of four dimensions."""
        self.expect("tensor version", self.integer(), 2)
        shape = [self.integer() for _ in range(4)]
        count = math.prod(shape)
        return np.frombuffer(self._take(4 * count), "<f4").reshape(shape).copy()

    def alias(self) -> tuple[int, ...]:
        self.expect("alias version", self.integer(), 1)
        return tuple(self.integer() for _ in range(4))

    def matrix(self) -> np.ndarray:
        """Read a float32 array (rows, columns)."""
        rows, columns = abs(self.integer()), abs(self.integer())
        return np.array([self.real() for _ in range(rows * columns)], np.float32).reshape(rows, columns)

    def expect_end(self) -> None:
        if self.offset != len(self.data):
            raise DlibFormatError(f"{len(self.data) - self.offset} bytes are left after the last value")

    def _take(self, count: int) -> bytes:
        piece = self.data[self.offset:self.offset + count]
        if len(piece) != count:
            raise DlibFormatError(f"the file ends at byte {len(self.data)} inside a value of {count} bytes")
        self.offset += count
        return piece

    def expect(self, what: str, found: int, wanted: int) -> None:
        if found != wanted:
            raise DlibFormatError(f"{what} at byte {self.offset} is {found}; expected {wanted}")


class Layer(NamedTuple):
    """One layer of a network in forward order: what it is called and its values."""

    kind: str
    values: dict[str, Any]


def read_layer(reader: Reader) -> Layer:
    """Return the details of one computing layer (not its flags and empty tensors)."""
    kind = reader.text()
    values: dict[str, Any] = {}
    if kind == "con_4":
        values["params"] = reader.tensor()
        values["outputs"] = reader.integer()
        values.update((name, reader.integer()) for name in _POOL_FIELDS)
        values["filters"], _biases = reader.alias(), reader.alias()
        _skip_reals(reader, 4)
    elif kind == "affine_":
        values["params"] = reader.tensor()
        reader.alias(), reader.alias(), reader.integer()
    elif kind in ("max_pool_2", "avg_pool_2"):
        values.update((name, reader.integer()) for name in _POOL_FIELDS)
    elif kind == "fc_2":
        values["outputs"], values["inputs"] = reader.integer(), reader.integer()
        values["params"] = reader.tensor()
        reader.alias(), reader.alias(), reader.integer()
        _skip_reals(reader, 4)
    elif kind != "relu_" and not kind.startswith("add_prev"):
        raise DlibFormatError(f"unknown layer {kind!r} before byte {reader.offset}")
    return Layer(kind, values)


def read_layers(reader: Reader, order: str) -> tuple[list[float], list[Layer]]:
    """Return the input layer's three averages and all layers in forward order.

    `order` names the layers from the outermost inwards: L computes, T tags, S skips back to a tag.
    """
    versions = [reader.integer() for _ in order]
    if reader.text() != "input_rgb_image_sized":
        raise DlibFormatError("the network does not start with a sized RGB image")
    averages = [reader.real() for _ in range(3)]
    reader.integer(), reader.integer()
    layers = []
    first = True
    for letter, version in zip(reversed(order), reversed(versions), strict=True):
        if letter != "L":
            layers.append(Layer("tag" if letter == "T" else "skip", {}))
            continue
        layers.append(read_layer(reader))
        [reader.boolean() for _ in range(3)]
        [reader.tensor() for _ in range(3)]
        if first and version >= 3:
            reader.integer()
        first = False
    return averages, layers


def _skip_reals(reader: Reader, count: int) -> None:
    for _ in range(count):
        reader.real()
