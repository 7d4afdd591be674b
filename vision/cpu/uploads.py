"""Uploaded still images: anything that comes in, to upright RGB, or a refusal that says why."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from vision.analysis import Refused

MAX_PIXELS = 50000000
MIN_SIDE = 32
MAX_SIDE = 2560
"""Larger pictures are analysed at this long side: a face worth embedding is far wider than 32 px there."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")


class Upright(NamedTuple):
    """An upload turned upright. width, height: px as uploaded (turned upright); `scale`: px of it per px of `rgb`."""

    rgb: np.ndarray
    width: int
    height: int
    scale: float


def open_upload(data: bytes) -> Upright:
    """Gives the image of an uploaded file. Nothing is decoded before the header is judged.

    Raises Refused: not_an_image, too_large, too_small, animated.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise Refused("too_large", f"the picture has more than {MAX_PIXELS // 1000000} megapixels") from None
    except (OSError, ValueError, SyntaxError, TypeError, OverflowError):
        raise Refused("not_an_image", "this is not a picture in a known format (JPEG, PNG, WebP, BMP, TIFF, AVIF)"
                      ) from None
    try:
        _judge(image)
        return _decode(image)
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, OverflowError, EOFError, MemoryError) as error:
        raise Refused("not_an_image", f"the {image.format} file is damaged or cut short ({error})") from error


def _judge(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Refused("too_large", f"the picture is {width} x {height}; at most {MAX_PIXELS // 1000000} megapixels")
    if min(width, height) < MIN_SIDE:
        raise Refused("too_small", f"the picture is {width} x {height}; at least {MIN_SIDE} px on each side")
    # A phone's MPO holds a second view or a depth map besides the photo; everything else with frames moves.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise Refused("animated", f"the {image.format} file has several frames; send one still picture")


def _decode(image: Image.Image) -> Upright:
    width, height = image.size
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    image.draft("RGB" if image.mode != "L" else "L", (MAX_SIDE, MAX_SIDE))
    image.load()
    factor = -(-max(image.size) // MAX_SIDE)
    if factor > 1 and not image.mode.startswith(("I", "F", "P", "1")):
        image = image.reduce(factor)
    upright = ImageOps.exif_transpose(image)
    rgb = _to_rgb(upright)
    if turned:
        width, height = height, width
    return Upright(rgb, width, height, width / rgb.shape[1])


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        return _from_deep_grey(np.asarray(image))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.ascontiguousarray(np.asarray(image.convert("RGB")))


def _from_deep_grey(values: np.ndarray) -> np.ndarray:
    """16-bit, 32-bit and float grey by the range in use: up to 1, 255 or 65535."""
    values = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=65535.0, neginf=0.0)
    top = float(values.max())
    if values.dtype.kind == "f" and top <= 1.0:
        values = values * 255
    elif top > 255:
        values = values * (255 / 65535.0)
    grey = np.clip(values, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
