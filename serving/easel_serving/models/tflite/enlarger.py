"""A network that enlarges luminances, in LiteRT."""

import functools
import threading
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from easel_serving.models.tflite.network import THREADS, usable

_SIZES = 4
"""LiteRT is kept ready for as many sizes of tiles."""


class Enlarger:
    """The network in a file, whose convolutions take pictures of any size; several threads take turns.

    Args:
        path: `luminance` float32 [1, H, W, 1], 0..255 -> `enlarged` [1, factor * (H - 2 * reach), ..., 1].

    Raises:
        ServingError: LiteRT cannot use it.
    """

    def __init__(self, path: Path):
        self._path, self._turn = path, threading.Lock()
        self._ready = functools.lru_cache(_SIZES)(self._prepared)

    def __call__(self, luminance: np.ndarray) -> np.ndarray:
        """Enlarges float32 [H, W], a part with what is around it; see `Enlarger`."""
        with usable(self._path), self._turn:
            interpreter, given, found = self._ready(*luminance.shape)
            interpreter.set_tensor(given, luminance[np.newaxis, ..., np.newaxis])
            interpreter.invoke()
            return interpreter.get_tensor(found)[0, ..., 0]

    def _prepared(self, height: int, width: int) -> tuple[Interpreter, int, int]:
        """The interpreter for a size, and the indices of its input and output."""
        interpreter = Interpreter(model_path=str(self._path), num_threads=THREADS)
        [given], [found] = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.resize_tensor_input(given["index"], [1, height, width, 1])
        interpreter.allocate_tensors()
        return interpreter, given["index"], found["index"]
