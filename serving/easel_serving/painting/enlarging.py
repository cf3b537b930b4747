"""Pictures made larger, by interpolation or by the super-resolution networks that ship. Images: uint8 [H, W, 3]."""

import functools
import importlib.util
import logging
import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from easel_serving import shipped
from easel_serving.protocol.errors import ServingError

LOGGER = logging.getLogger("easel.serving")

Enlarge = Callable[[np.ndarray, int, int], np.ndarray]
"""Brings a picture to a height and a width in pixels, mostly larger ones."""
Network = Callable[[np.ndarray], np.ndarray]
"""Luminances float32 [h, w] of a part with `REACH` more pixels on each side -> [factor * (h - 2 * REACH), ...]."""

REACH = 8
"""Pixels around a part that the networks look at."""
SIDE = 256
"""Greatest side of a tile in pixels, before it is enlarged."""


def bicubic(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarges by interpolation, reduces by means over areas."""
    if picture.shape[:2] == (height, width):
        return picture
    way = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=way)


def chosen(on: bool | None = None) -> Enlarge:
    """What enlarges.

    Args:
        on: whether it is to be super-resolution; None is that where LiteRT is installed.

    Raises:
        ServingError: it is wanted, and LiteRT is missing or the networks are.
    """
    if on is False:
        return bicubic
    if importlib.util.find_spec("ai_edge_litert") is None:
        if on:
            raise ServingError("super-resolution needs LiteRT: install easel-serving[tflite], or leave it off")
        LOGGER.warning("without LiteRT (easel-serving[tflite]) pictures are enlarged by bicubic interpolation")
        return bicubic
    return super_resolution()


@functools.cache
def super_resolution() -> "SuperResolution":
    """Enlarges by the networks that ship; raises ServingError where they are missing or damaged."""
    from easel_serving.models.tflite.enlarger import Enlarger

    return SuperResolution({factor: Enlarger(path) for factor, path in shipped.enlargers().items()})


class SuperResolution:
    """An `Enlarge` by networks that know one factor each.

    Where none has the factor that is asked for, the next larger one's picture is reduced; beyond the largest it is
    enlarged again. Luminances are the networks', colours are interpolated.

    Args:
        networks: by the factor.
    """

    def __init__(self, networks: Mapping[int, Network]):
        self._networks = dict(sorted(networks.items()))

    def __call__(self, picture: np.ndarray, height: int, width: int) -> np.ndarray:
        """See `Enlarge`."""
        while (ratio := max(height / picture.shape[0], width / picture.shape[1])) > 1:
            largest = max(self._networks)
            factor = next((each for each in self._networks if each >= ratio), largest)
            picture = enlarged(picture, factor, self._networks[factor])
        return bicubic(picture, height, width)


def enlarged(picture: np.ndarray, factor: int, network: Network, side: int = SIDE) -> np.ndarray:
    """Enlarges a picture in tiles, all of one size, that fit together as if it were one.

    Args:
        picture: uint8 [H, W, 3]; beyond its edges these are repeated.
        factor: the network's.
        network: enlarges luminances.
        side: of the largest tile in pixels.

    Returns:
        uint8 [factor * H, factor * W, 3].
    """
    height, width = picture.shape[:2]
    rows, columns = (math.ceil(size / math.ceil(size / side)) for size in (height, width))
    room = [(REACH, REACH + -size % step) for size, step in ((height, rows), (width, columns))]
    padded = np.pad(picture, [*room, (0, 0)], mode="edge")
    result = np.empty((factor * height, factor * width, 3), np.uint8)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            part = padded[top : top + rows + 2 * REACH, left : left + columns + 2 * REACH].astype(np.float32)
            tile = _tile(part, factor, network)
            place = result[factor * top : factor * (top + rows), factor * left : factor * (left + columns)]
            place[...] = tile[: place.shape[0], : place.shape[1]]
    return result


def _tile(part: np.ndarray, factor: int, network: Network) -> np.ndarray:
    luminance = network(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY))
    size = factor * part.shape[1], factor * part.shape[0]
    inner = slice(factor * REACH, -factor * REACH)
    colours = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)[inner, inner]
    colours += (luminance - cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY))[..., np.newaxis]
    return cv2.convertScaleAbs(np.maximum(colours, 0, out=colours))
