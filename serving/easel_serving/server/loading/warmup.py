"""Reads TensorFlow Serving's warm-up records: TFRecords of `PredictionLog`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from easel_serving.protocol import messages


def requests(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """`(signature, inputs)` of each predict and classify record; other kinds are passed over.

    Raises:
        ValueError: a record is no `PredictionLog`.
    """
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        try:
            log = messages.decode(record, messages.PredictionLog)
            if log.HasField("predict_log"):
                request = log.predict_log.request
                yield request.model_spec.signature_name, {name: _array(value) for name, value in request.inputs.items()}
            if log.HasField("classify_log"):
                request = log.classify_log.request
                examples = list(request.input.example_list.examples)
                yield request.model_spec.signature_name, {"inputs": np.array(examples, dtype=object)}
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def _array(tensor: bytes) -> np.ndarray:
    return tf.make_ndarray(messages.decode(tensor, tensor_pb2.TensorProto))
