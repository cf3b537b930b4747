"""The SavedModel of a version as an engine. Needs TensorFlow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from easel_serving.images import prepare
from easel_serving.models.saved_model import tf
from easel_serving.painting.tiled import TiledEngine, measurable
from easel_serving.protocol.errors import ServingError
from easel_serving.protocol.plain_paths import plain


class LocalEngine(TiledEngine):
    """The SavedModel of a version, with `measure` and `paint_part`: pictures of any size, by tiles.

    Args:
        folder: of the SavedModel. It is loaded with all its functions, as `measure` and `paint_part` are no signatures.
        bank: known paintings' codes by name.
        title: the version's name, for messages.

    Raises:
        ServingError: the model cannot paint parts.
    """

    def __init__(self, folder: Path, bank: Mapping[str, Sequence[float]], title: str):
        super().__init__(bank, title)
        self._model = tf.saved_model.load(plain(folder))
        if not hasattr(self._model, "paint_part"):
            raise ServingError(f"{title} only paints whole pictures, through a server (--server); train a new version")

    def encode(self, painting: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        encoded = tf.constant([prepare.encode(painting)])
        return self._model.signatures["encode_style"](style_bytes=encoded)["style_code"].numpy()[0]

    def measure(self, photo: np.ndarray, code: np.ndarray) -> tuple[int, Any]:
        """See `TiledEngine`."""
        measured = self._model.measure(tf.constant(measurable(photo)), tf.constant(code))
        return int(measured["reach"]), measured["statistics"]

    def paint_part(self, part: np.ndarray, code: np.ndarray, statistics: Any) -> np.ndarray:
        """See `TiledEngine`."""
        return self._model.paint_part(tf.constant(part), tf.constant(code), statistics).numpy()
