"""What the table of the shipped network measures beside distances: flat areas, steadiness, faces. NumPy and OpenCV."""

from collections.abc import Callable

import cv2
import numpy as np

WINDOW, STEP = 32, 16
FLATTEST = 6.0
"""A window is flat where the photo's luminance deviates by less than this many levels."""
SHORTEST, LONGEST = 2.0, 8.0
"""Periods, in pixels, of what is counted as a weave."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the picture."""


def weave(picture: np.ndarray, photo: np.ndarray) -> tuple[float, float]:
    """Energy of a picture at periods of 2 to 8 pixels where its photo is flat, and the photo's own.

    The luminances' power spectra in windows of 32 x 32 pixels, half overlapping, with a Hann window, without their
    means; summed over the windows in which the photo deviates by less than six levels, at radial frequencies between
    1/8 and 1/2 a pixel, in squared levels of 255; 0 without a flat window. What is said of a network is
    the ratio of the sums over its pictures.

    Args:
      picture, photo: uint8 [H, W, 3].
    """
    found = []
    for left, right in _windows(_grey(picture), _grey(photo)):
        if right.std() < FLATTEST:
            found.append((_energy(left), _energy(right)))
    return tuple(np.sum(found, axis=0)) if found else (0.0, 0.0)


def steadiness(paint: Callable[[np.ndarray], np.ndarray], photo: np.ndarray, noise: float = 4.0) -> tuple[float, float]:
    """How much a picture changes with its photo; mean absolute differences in levels of 255.

    Args:
      paint: uint8 [S, S, 3] -> the same.
      photo: uint8 [S + 1, S + 1, 3]: two squares of it, a pixel apart, are painted.
      noise: deviation in levels of what is added for the second number.

    Returns:
      When the photo moves by a pixel right and down; when it gets noise.
    """
    first, moved = photo[:-1, :-1], photo[1:, 1:]
    rng = np.random.default_rng(0)
    noisy = np.clip(np.rint(first + rng.normal(0, noise, first.shape)), 0, 255).astype(np.uint8)
    painted, of_moved, of_noisy = (paint(each).astype(np.float32) for each in (first, moved, noisy))
    inner = slice(16, -16)
    shift = np.abs(painted[1:, 1:] - of_moved[:-1, :-1])[inner, inner].mean()
    return float(shift), float(np.abs(painted - of_noisy)[inner, inner].mean())


def within(box: Box, image: np.ndarray) -> np.ndarray:
    """The part of an image [H, W, 3] in a box."""
    height, width = image.shape[:2]
    left, top, right, bottom = box
    return image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _windows(*images: np.ndarray):
    height, width = images[0].shape
    for y in range(0, height - WINDOW + 1, STEP):
        for x in range(0, width - WINDOW + 1, STEP):
            yield [image[y : y + WINDOW, x : x + WINDOW] for image in images]


def _energy(window: np.ndarray) -> float:
    hann = np.outer(np.hanning(WINDOW), np.hanning(WINDOW))
    spectrum = np.abs(np.fft.fft2((window - window.mean()) * hann)) ** 2 / (hann**2).sum()
    frequency = np.fft.fftfreq(WINDOW)
    radius = np.hypot(frequency[:, None], frequency[None])
    chosen = (radius >= 1 / LONGEST) & (radius <= 1 / SHORTEST)
    return float(spectrum[chosen].sum() / WINDOW**2)
