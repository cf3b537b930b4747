"""A SavedModel in this process as an engine. Needs TensorFlow."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from easel_serving import images
from easel_serving.directory import known_style
from easel_serving.errors import ServingError
from easel_serving.painting import tiles
from easel_serving.painting.engines import Code, between
from easel_serving.saved_model import tf

MULTIPLE = 4
"""Sides of what the network paints are multiples of this."""
SMALLEST = 64
"""Smaller photos are enlarged before they are painted, as the served graph does."""
MEASURED = 2**22
"""Pixels of which the whole picture's statistics are computed; a larger photo is measured at this size, for memory."""


class LocalEngine:
    """The SavedModel of a version, with `measure` and `paint_part`: pictures of any size, by tiles.

    Args:
        folder: of the SavedModel. It is loaded with all its functions, as `measure` and `paint_part` are no signatures.
        bank: known paintings' codes by name.
        title: the version's name, for messages.

    Raises:
        ServingError: the model cannot paint parts.
    """

    def __init__(self, folder: Path, bank: dict[str, Sequence[float]], title: str):
        self._model = tf.saved_model.load(str(folder))
        if not hasattr(self._model, "paint_part"):
            raise ServingError(f"{title} only paints whole pictures, through a server (--server); train a new version")
        self._bank, self._title = bank, title

    def known(self, name: str) -> Code:
        """See `Engine`."""
        return np.array(self._bank[known_style(name, list(self._bank), self._title)], np.float32)

    def encode(self, painting: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        encoded = tf.constant([images.encode(painting)])
        return self._model.signatures["encode_style"](style_bytes=encoded)["style_code"].numpy()[0]

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
        measured = self._model.measure(tf.constant(_measurable(padded)), tf.constant(code))
        reach, statistics = int(measured["reach"]), measured["statistics"]

        def part(box: tiles.Box) -> np.ndarray:
            outer = tiles.around(box, reach, *padded.shape[:2])
            painted = self._model.paint_part(tf.constant(padded[outer]), tf.constant(code), statistics).numpy()
            return painted[tiles.inside(box, outer)]

        return part


def _padded(photo: np.ndarray) -> np.ndarray:
    room = [(0, -size % MULTIPLE) for size in photo.shape[:2]]
    return np.pad(photo, [*room, (0, 0)], mode="symmetric") if any(map(any, room)) else photo


def _measurable(photo: np.ndarray) -> np.ndarray:
    height, width = photo.shape[:2]
    if height * width <= MEASURED:
        return photo
    scale = (MEASURED / (height * width)) ** 0.5
    shape = [max(32, int(size * scale) // MULTIPLE * MULTIPLE) for size in (width, height)]
    return cv2.resize(photo, shape, interpolation=cv2.INTER_AREA)
