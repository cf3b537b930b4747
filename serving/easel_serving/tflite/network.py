"""One TFLite file in the interpreter, and which of a version's files is used."""

import logging
import os
import threading
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from easel_serving.directory import Version
from easel_serving.errors import ServingError

LOGGER = logging.getLogger("easel.serving")

_SIGNATURE = "serving_default"


class Network:
    """A network with fixed shapes and batch size 1; may be called by several threads, which then take turns.

    Args:
        path: the file.
    """

    def __init__(self, path: Path):
        self._interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
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
        given = {name: _quantised(inputs[name], details) for name, details in self._inputs.items()}
        with self._turn:
            outputs = self._run(**given)
        return {name: _real(outputs[name], details) for name, details in self._outputs.items()}


def load(version: Version, part: str) -> Network:
    """The fastest verified variant of a part, by the latency in the manifest.

    Raises:
        ServingError: the version has none.
    """
    files = {
        variant["variant"]: version.manifest_dir / "tflite" / f"{part}.{variant['variant']}.tflite"
        for variant in sorted(
            version.manifest.get("tflite", []), key=lambda variant: variant["metrics"].get("latency_ms", float("inf"))
        )
        if variant["part"] == part and variant["verdict"] == "ok"
    }
    for variant, path in files.items():
        if path.is_file():
            LOGGER.info("%s version %s: %s in %s", version.model, version.number, part, variant)
            return Network(path)
    raise ServingError(
        f"{version.manifest_dir}: no verified TFLite variant of {part}; `easel models show` says why none was pushed"
    )


def _quantised(values: np.ndarray, details: dict) -> np.ndarray:
    dtype = np.dtype(details["dtype"])
    if dtype.kind == "f":
        return values.astype(dtype)
    scale, zero_point = details["quantization"]
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(dtype)


def _real(values: np.ndarray, details: dict) -> np.ndarray:
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    scale, zero_point = details["quantization"]
    return (values.astype(np.float32) - zero_point) * np.float32(scale)
