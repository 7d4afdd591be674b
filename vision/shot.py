"""One picture of one camera, whose pixels are fetched only when somebody asks for them."""

from typing import Callable, NamedTuple

import numpy as np


class PictureGone(Exception):
    """The backend does not hold the pixels of this shot any more."""


class Shot(NamedTuple):
    """One picture. `frame`: its number, which only grows within a run of the worker; `at`: when it was taken (s since
    1970); width and height in pixels.

    rgb() gives the pixels, RGB uint8 (height, width, 3), and jpeg() a JPEG file. Both may be called from any thread,
    may cost a copy out of a graphics processor, and raise PictureGone.
    """

    camera: str
    frame: int
    at: float
    width: int
    height: int
    rgb: Callable[[], np.ndarray]
    jpeg: Callable[[], bytes]
