"""Scalars of an image that TFDV can watch, measured on a reduced copy."""

import numpy as np
from PIL import Image

WORKING_SIDE = 64
"""Measures are taken on the image reduced by 1, 2, 4 or 8 with its short side still at least this many pixels."""


def reduction(width: int, height: int) -> int:
    """By how much an image may be reduced before it is measured: 1, 2, 4 or 8, the factors a JPEG decoder offers."""
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or min(width, height) // factor >= WORKING_SIDE)


def measure(image: Image.Image) -> tuple[float, float, float, float]:
    """Brightness, contrast, sharpness and colourfulness of an image in mode RGB.

    Brightness (0..1) and contrast (0..0.5) are mean and standard deviation of luma (ITU-R BT.601). Sharpness (0..1) is
    the mean absolute response of the 4-neighbour Laplacian, over 4 x 255. Colourfulness is M of Hasler and Suesstrunk,
    "Measuring colourfulness in natural images" (2003), section 7, over 255: 0 for grey, about 0.4 for vivid photos.
    """
    luma = np.asarray(image.convert("L"), np.float32)
    laplacian = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    sharpness = float(np.abs(laplacian).mean()) / 1020 if laplacian.size else 0.0
    return float(luma.mean()) / 255, float(luma.std()) / 255, sharpness, _colorfulness(image)


def _colorfulness(image: Image.Image) -> float:
    red, green, blue = np.moveaxis(np.asarray(image, np.float32), -1, 0)
    opponents = red - green, (red + green) / 2 - blue
    deviation = np.hypot(*(channel.std() for channel in opponents))
    return float(deviation + 0.3 * np.hypot(*(channel.mean() for channel in opponents))) / 255
