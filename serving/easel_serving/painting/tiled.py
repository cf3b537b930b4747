"""A network in this process, which paints pictures of any size in parts that fit together."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from easel_serving.painting import tiles
from easel_serving.painting.engines import Code, between
from easel_serving.registry.directory import known_style

SMALLEST = 64
"""Smaller photos are enlarged before they are painted, as the served graph does."""
MEASURED = 2**22
"""Pixels of which the whole picture's statistics are computed; a larger photo is measured at this size, for memory."""


class TiledEngine(abc.ABC):
    """An `engines.Engine` by what its network does with a photo and with a part of it."""

    def __init__(self, bank: Mapping[str, Sequence[float]], title: str):
        self._bank, self._title = bank, title

    def known(self, name: str) -> Code:
        """See `Engine`."""
        return np.array(self._bank[known_style(name, list(self._bank), self._title)], np.float32)

    @abc.abstractmethod
    def encode(self, painting: np.ndarray) -> np.ndarray:
        """See `Engine`."""

    @abc.abstractmethod
    def measure(self, photo: np.ndarray, code: np.ndarray) -> tuple[int, Any]:
        """What all parts of a photo are painted with: how many pixels around a part have a say in it, and statistics.

        The photo is uint8 [H, W, 3], H and W multiples of `tiles.MULTIPLE`, `SMALLEST` at least; the code is float32
        [D].
        """

    @abc.abstractmethod
    def paint_part(self, part: np.ndarray, code: np.ndarray, statistics: Any) -> np.ndarray:
        """Paints what was cut out of a photo, uint8 [h, w, 3], with what `measure` found of the whole."""

    def part_painter(self, photo: np.ndarray, code: Code, strength: float) -> tiles.Part:
        """See `Engine`."""
        return self._full(photo, between(self, photo, code, strength))

    def _full(self, photo: np.ndarray, code: np.ndarray) -> tiles.Part:
        height, width = photo.shape[:2]
        if min(height, width) < SMALLEST:
            scale = SMALLEST / min(height, width)
            large = cv2.resize(photo, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
            painted = tiles.assembled(self._full(large, code), *large.shape[:2])
            picture = cv2.resize(painted, (width, height), interpolation=cv2.INTER_AREA)
            return lambda box: picture[box]
        padded = _padded(photo)
        reach, statistics = self.measure(padded, code)

        def part(box: tiles.Box) -> np.ndarray:
            outer = tiles.around(box, reach, *padded.shape[:2])
            return self.paint_part(padded[outer], code, statistics)[tiles.inside(box, outer)]

        return part


def measurable(photo: np.ndarray) -> np.ndarray:
    """The photo, reduced to `MEASURED` pixels if it is larger."""
    height, width = photo.shape[:2]
    if height * width <= MEASURED:
        return photo
    scale = (MEASURED / (height * width)) ** 0.5
    shape = [max(32, int(size * scale) // tiles.MULTIPLE * tiles.MULTIPLE) for size in (width, height)]
    return cv2.resize(photo, shape, interpolation=cv2.INTER_AREA)


def _padded(photo: np.ndarray) -> np.ndarray:
    room = [(0, -size % tiles.MULTIPLE) for size in photo.shape[:2]]
    return np.pad(photo, [*room, (0, 0)], mode="symmetric") if any(map(any, room)) else photo
