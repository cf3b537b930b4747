"""Scalars of an image that TFDV can watch, measured on a reduced copy."""

import math

import numpy as np
from PIL import Image

WORKING_SIDE = 48
"""Measures are taken on the image reduced by 1, 2, 4 or 8 with its short side still at least this many pixels."""

_LUMA = np.array((0.299, 0.587, 0.114))
_RED_GREEN = np.array((1.0, -1.0, 0.0))
_YELLOW_BLUE = np.array((0.5, 0.5, -1.0))


def reduction(width: int, height: int) -> int:
    """By how much an image may be reduced before it is measured: 1, 2, 4 or 8, the factors a JPEG decoder offers."""
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or min(width, height) // factor >= WORKING_SIDE)


def measure(image: Image.Image) -> tuple[float, float, float, float]:
    """Brightness, contrast, sharpness and colourfulness of an image in mode RGB.

    Brightness (0..1) and contrast (0..0.5) are mean and standard deviation of luma (ITU-R BT.601). Sharpness (0..1) is
    the mean absolute response of luma's 4-neighbour Laplacian, over 4. Colourfulness is M of Hasler and Suesstrunk,
    "Measuring colourfulness in natural images" (2003), section 7, over 255: 0 for grey, about 0.4 for vivid photos.
    """
    pixels = np.asarray(image).reshape(-1, 3) / 255.0
    means = np.full(len(pixels), 1 / len(pixels)) @ pixels
    # All deviations follow from the covariance of the channels, which is one product: numpy's reductions cost more.
    covariance = pixels.T @ pixels / len(pixels) - np.outer(means, means)
    luma, red_green, yellow_blue = (
        math.sqrt(max(0.0, axis @ covariance @ axis)) for axis in (_LUMA, _RED_GREEN, _YELLOW_BLUE)
    )
    colorfulness = math.hypot(red_green, yellow_blue) + 0.3 * math.hypot(means @ _RED_GREEN, means @ _YELLOW_BLUE)
    sharpness = _sharpness((pixels @ _LUMA).reshape(image.height, image.width))
    return float(means @ _LUMA), luma, sharpness, colorfulness


def _sharpness(luma: np.ndarray) -> float:
    response = 4 * luma[1:-1, 1:-1]
    for neighbour in (luma[:-2, 1:-1], luma[2:, 1:-1], luma[1:-1, :-2], luma[1:-1, 2:]):
        response -= neighbour
    return float(np.abs(response, out=response).mean()) / 4 if response.size else 0.0
