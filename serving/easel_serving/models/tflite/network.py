"""One TFLite file in the interpreter."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from easel_serving.models.tflite.quantisation import dequantise, quantise
from easel_serving.protocol.errors import ServingError

THREADS = os.cpu_count()

_SIGNATURE = "serving_default"


class Network:
    """A network with fixed shapes and batch size 1; may be called by several threads, which then take turns.

    Raises:
        ServingError: LiteRT cannot use it.
    """

    def __init__(self, path: Path):
        with usable(path):
            self._interpreter = Interpreter(model_path=str(path), num_threads=THREADS)
            self._run = self._interpreter.get_signature_runner(_SIGNATURE)
            self._inputs, self._outputs = self._run.get_input_details(), self._run.get_output_details()
            self._turn = threading.Lock()
            # The first run is the slow one: it prepares the kernels.
            self(**{name: np.zeros(self.shape(name), np.float32) for name in self._inputs})

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an input or an output, with the batch of 1."""
        return tuple(map(int, {**self._inputs, **self._outputs}[name]["shape"]))

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Real values in, real values out (float32), whatever types the file itself takes and gives."""
        given = {name: quantise(inputs[name], details) for name, details in self._inputs.items()}
        with self._turn:
            outputs = self._run(**given)
        return {name: dequantise(outputs[name], details) for name, details in self._outputs.items()}


@contextlib.contextmanager
def usable(path: Path) -> Iterator[None]:
    """What LiteRT and a file's schema raise inside becomes a ServingError of one line."""
    try:
        yield
    except ServingError:
        raise
    except Exception as error:  # a damaged file can fail anywhere
        lines = str(error).strip().splitlines()
        raise ServingError(f"{path}: LiteRT cannot use it ({': '.join([type(error).__name__, *lines[:1]])})") from error
