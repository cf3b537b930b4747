"""Scalars of an image that TFDV can watch, measured on a reduced copy."""

import math

import numpy as np
from PIL import Image

WORKING_SIDE = 48
"""Measures are taken on the image reduced by 1, 2, 4 or 8 with its short side still at least this many pixels."""

_OPPONENTS = (0.5, -0.5, 0, 128, 0.25, 0.25, -0.5, 128, 0, 0, 0, 0)
"""Rows of a colour matrix: half of red - green, half of (red + green) / 2 - blue, each around 128, and nothing."""
_LEVELS = np.arange(256)


def reduction(width: int, height: int) -> int:
    """By how much an image may be reduced before it is measured: 1, 2, 4 or 8, the factors a JPEG decoder offers."""
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or min(width, height) // factor >= WORKING_SIDE)


def measure(image: Image.Image) -> tuple[float, float, float, float]:
    """Brightness, contrast, sharpness and colourfulness of an image in mode RGB.

    Brightness (0..1) and contrast (0..0.5) are mean and standard deviation of luma (ITU-R BT.601). Sharpness (0..1) is
    the mean absolute response of luma's 4-neighbour Laplacian, over 4. Colourfulness is M of Hasler and Suesstrunk,
    "Measuring colourfulness in natural images" (2003), section 7, over 255: 0 for grey, about 0.4 for vivid photos.
    """
    luma = image.convert("L")
    (brightness, contrast), *_ = _moments(luma)
    (red_green, yellow_blue, _) = _moments(image.convert("RGB", _OPPONENTS))
    deviation = math.hypot(red_green[1], yellow_blue[1])
    offset = math.hypot(red_green[0] - 128, yellow_blue[0] - 128)
    return brightness / 255, contrast / 255, _sharpness(luma), 2 * (deviation + 0.3 * offset) / 255


def _moments(image: Image.Image) -> list[tuple[float, float]]:
    """Mean and standard deviation of each band, in levels.

    From Pillow's histograms: on images this small numpy's reductions cost more than the sums, and products through a
    BLAS, which has threads of its own, are many times slower when called from our threads.
    """
    bands = np.array(image.histogram()).reshape(-1, 256)
    pixels = image.width * image.height
    moments = []
    for sums, squares in zip((bands * _LEVELS).sum(1).tolist(), (bands * _LEVELS**2).sum(1).tolist(), strict=True):
        moments.append((sums / pixels, math.sqrt(squares * pixels - sums**2) / pixels))
    return moments


def _sharpness(image: Image.Image) -> float:
    luma = np.asarray(image, np.int16)
    response = 4 * luma[1:-1, 1:-1]
    for neighbour in (luma[:-2, 1:-1], luma[2:, 1:-1], luma[1:-1, :-2], luma[1:-1, 2:]):
        response -= neighbour
    return int(np.abs(response).sum()) / response.size / 1020 if response.size else 0.0
