"""One loaded version of a model: signatures, warm-up, execution."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from easel_serving import files
from easel_serving.server.batching import Batcher, Limits, Tensors
from easel_serving.server.status import StatusError, invalid
from easel_serving.tf_errors import one_line

DEFAULT_SIGNATURE = "serving_default"


class Servable:
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
        self.signature_defs = {
            name: definition for name, definition in graph.signature_def.items() if name in self._loaded.signatures
        }
        self._batcher = Batcher(self.run, limits)
        try:
            self._warm_up(path / files.WARMUP)
        except Exception:
            self.close()
            raise

    def inputs(self, signature: str) -> dict[str, "np.dtype[Any]"]:
        """`{input: dtype}` of a signature, "" for the default one; INVALID_ARGUMENT for one that is not there."""
        name = signature or DEFAULT_SIGNATURE
        if name not in self._loaded.signatures:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        specs = self._loaded.signatures[name].structured_input_signature[1]
        return {key: np.dtype(specs[key].dtype.as_numpy_dtype) for key in sorted(specs)}

    def submit(self, signature: str, inputs: Tensors) -> Any:
        """Queues a request; a future of the outputs. The signature must exist and the inputs be its own."""
        name = signature or DEFAULT_SIGNATURE
        if name not in self._loaded.signatures:
            raise StatusError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        wanted = set(self.inputs(name))
        if set(inputs) != wanted:
            raise invalid(
                f"input size does not match signature: {len(inputs)}!={len(wanted)} len({{{_names(inputs)}}}) != "
                f"len({{{_names(wanted)}}}). Sent extra: {{{_names(set(inputs) - wanted)}}}. Missing but required: "
                f"{{{_names(wanted - set(inputs))}}}."
            )
        return self._batcher.submit(name, inputs)

    def run(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Runs a signature now, in this thread."""
        try:
            outputs = self._loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        except tf.errors.ResourceExhaustedError as error:
            raise StatusError("RESOURCE_EXHAUSTED", one_line(error)) from None
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise invalid(one_line(error)) from None
        return {name: value.numpy() for name, value in outputs.items()}

    def close(self) -> None:
        """Answers what is queued, then ends."""
        self._batcher.close()

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


def _names(names: Any) -> str:
    return ",".join(sorted(names))
