"""One loaded version of a model: signatures, warm-up, execution."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from easel_serving import files
from easel_serving.server.answering import DEFAULT_SIGNATURE, Answering
from easel_serving.server.batching import Limits, Tensors
from easel_serving.server.status import StatusError, invalid
from easel_serving.tf_errors import one_line


class Servable(Answering):
    """A SavedModel, ready to answer.

    Args:
        path: the version's folder.
        limits: for batching.

    Raises:
        Exception: TensorFlow's, when the folder cannot be loaded or fails on its warm-up requests.
    """

    def __init__(self, path: Path, limits: Limits):
        self._loaded = tf.saved_model.load(str(path))
        graph = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs[0]
        signatures = self._loaded.signatures
        super().__init__(
            {name: definition for name, definition in graph.signature_def.items() if name in signatures},
            {name: _inputs(function) for name, function in signatures.items()},
            limits,
        )
        try:
            self._warm_up(path / files.WARMUP)
        except Exception:
            self.close()
            raise

    def run(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Runs a signature now, in this thread."""
        try:
            outputs = self._loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        except tf.errors.ResourceExhaustedError as error:
            raise StatusError("RESOURCE_EXHAUSTED", one_line(error)) from None
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise invalid(one_line(error)) from None
        return {name: value.numpy() for name, value in outputs.items()}

    def _warm_up(self, path: Path) -> None:
        if not path.exists():
            return
        # The records' format is in tensorflow-serving-api (extra `grpc`); without it the first request is the slow one.
        try:
            from easel_serving.server import warmup
        except ImportError:
            return
        for signature, inputs in warmup.requests(path):
            self.run(signature or DEFAULT_SIGNATURE, inputs)


def _inputs(function: Any) -> dict[str, "np.dtype[Any]"]:
    specs = function.structured_input_signature[1]
    return {key: np.dtype(spec.dtype.as_numpy_dtype) for key, spec in specs.items()}
