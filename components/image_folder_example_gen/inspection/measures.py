"""Scalars of an image that TFDV can watch, measured on a reduced copy."""

import math

import cv2
import numpy as np

WORKING_SIDE = 48
"""Measures are taken on the image reduced by 1, 2, 4 or 8 with its short side still at least this many pixels."""

_AXES = np.array([(0.299, 0.587, 0.114), (1, -1, 0), (0.5, 0.5, -1)]) / 255
"""Luma, red - green, and yellow - blue, from levels of red, green and blue."""


def reduction(width: int, height: int) -> int:
    """By how much an image may be reduced before it is measured: 1, 2, 4 or 8, the factors a JPEG decoder offers."""
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or min(width, height) // factor >= WORKING_SIDE)


def axes(pixels: np.ndarray) -> np.ndarray:
    """Luma (0..1), red - green and yellow - blue (-1..1), float32 [H, W, 3], from RGB, uint8 [H, W, 3]."""
    # OpenCV's small calls cost a few microseconds; numpy's reductions several times that, and products through a BLAS,
    # which has threads of its own, hundreds of times when called from our threads.
    return cv2.transform(pixels.astype(np.float32), _AXES)


def measure(opponents: np.ndarray) -> tuple[float, float, float, float]:
    """Brightness, contrast, sharpness and colourfulness of an image, given its `axes`.

    Brightness (0..1) and contrast (0..0.5) are mean and standard deviation of luma (ITU-R BT.601). Sharpness (0..1) is
    the mean absolute response of luma's 4-neighbour Laplacian, over 4. Colourfulness is M of Hasler and Suesstrunk,
    "Measuring colourfulness in natural images" (2003), section 7, over 255: 0 for grey, about 0.4 for vivid photos.
    """
    (brightness, *offsets), (contrast, *deviations) = (each.ravel().tolist() for each in cv2.meanStdDev(opponents))
    colorfulness = math.hypot(*deviations) + 0.3 * math.hypot(*offsets)
    return brightness, contrast, _sharpness(luma(opponents)), colorfulness


def luma(opponents: np.ndarray) -> np.ndarray:
    """The first of the `axes`, float32 [H, W]."""
    return cv2.extractChannel(opponents, 0)


def _sharpness(luma: np.ndarray) -> float:
    inside = cv2.Laplacian(luma, cv2.CV_32F, ksize=1)[1:-1, 1:-1]
    return cv2.norm(inside, cv2.NORM_L1) / inside.size / 4 if inside.size else 0.0
